import { element } from "./element.ts";
import type { Stage } from "./stage.ts";
import { mostZoom, moved, placeIn, whole, zoomed } from "./view.ts";

/** What one finger, a mouse button or a key does to the target; nothing while the target is fixed. */
export interface Pointing {
  /** Whether pointing changes the target; otherwise it moves the part that is seen. */
  readonly isOn: boolean;
  point(at: { x: number; y: number }): void;
  /** Does what a key says; whether it meant something. */
  press(key: string): boolean;
}

const middle = { x: 0.5, y: 0.5 };

/** The picture under hand, wheel and keys: zoom, the part that is seen, and the target. */
export class ZoomControl {
  readonly #canvas = element<HTMLCanvasElement>("draft");
  readonly #stage: Stage;
  readonly #pointing: () => Pointing | undefined;
  readonly #pointers = new Map<number, PointerEvent>();

  constructor(stage: Stage, pointing: () => Pointing | undefined) {
    this.#stage = stage;
    this.#pointing = pointing;
    element("zoom-in").addEventListener("click", () => this.#zoom(2));
    element("zoom-out").addEventListener("click", () => this.#zoom(0.5));
    element("zoom-fit").addEventListener("click", () => this.reset());
    this.#canvas.addEventListener("keydown", (event) => this.#onKey(event));
    this.#canvas.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    this.#listenToPointers();
  }

  /** Shows the whole picture. */
  reset(): void {
    this.#show(whole);
  }

  #zoom(factor: number, at = middle): void {
    this.#show(zoomed(this.#stage.view, factor, at));
  }

  #show(view: Stage["view"]): void {
    this.#stage.view = view;
    const zoom = 1 / view.extent;
    element("zoom").textContent = `${zoom < 10 ? Number(zoom.toFixed(1)) : Math.round(zoom)}×`;
    this.#canvas.classList.toggle("zoomed", zoom > 1);
    element<HTMLButtonElement>("zoom-in").setAttribute("aria-disabled", String(zoom >= mostZoom));
    element<HTMLButtonElement>("zoom-out").setAttribute("aria-disabled", String(zoom <= 1));
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const pans: Record<string, readonly [number, number]> = {
      ArrowLeft: [-0.2, 0],
      ArrowRight: [0.2, 0],
      ArrowUp: [0, -0.2],
      ArrowDown: [0, 0.2],
    };
    const pointing = this.#pointing();
    const pan = pans[event.key];
    if (event.key === "+" || event.key === "=") {
      this.#zoom(2);
    } else if (event.key === "-") {
      this.#zoom(0.5);
    } else if (event.key === "0") {
      this.reset();
    } else if (pan !== undefined && (event.shiftKey || pointing?.isOn !== true)) {
      this.#show(moved(this.#stage.view, ...pan));
    } else if (pointing?.isOn !== true || !pointing.press(event.key)) {
      return;
    }
    event.preventDefault();
  }

  /** The wheel scrolls the page, unless Ctrl is held (as pinching a touchpad does) or the picture has the focus. */
  #onWheel(event: WheelEvent): void {
    if (event.ctrlKey || document.activeElement === this.#canvas) {
      event.preventDefault();
      this.#zoom(2 ** (-event.deltaY / (event.ctrlKey ? 100 : 300)), this.#shareAt(event));
    }
  }

  #listenToPointers(): void {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      this.#pointers.set(event.pointerId, event);
      canvas.setPointerCapture(event.pointerId);
      if (this.#pointers.size === 1) {
        this.#point(event);
      }
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = this.#pointers.get(event.pointerId);
      if (before === undefined) {
        return;
      }
      const others = [...this.#pointers.values()].filter((p) => p.pointerId !== event.pointerId);
      this.#pointers.set(event.pointerId, event);
      const [other] = others;
      if (other !== undefined) {
        this.#pinch(before, event, other);
      } else if (!this.#point(event)) {
        this.#drag(before, event);
      }
    });
    for (const type of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(type, (event) => this.#pointers.delete(event.pointerId));
    }
  }

  /** Changes the target, where pointing does that. */
  #point(event: PointerEvent): boolean {
    const pointing = this.#pointing();
    if (pointing?.isOn !== true) {
      return false;
    }
    pointing.point(placeIn(this.#stage.view, this.#shareAt(event)));
    return true;
  }

  #drag(before: PointerEvent, now: PointerEvent): void {
    const [from, to] = [this.#shareAt(before), this.#shareAt(now)];
    this.#show(moved(this.#stage.view, from.x - to.x, from.y - to.y));
  }

  /** Two fingers zoom by their distance and move by their middle. */
  #pinch(before: PointerEvent, now: PointerEvent, other: PointerEvent): void {
    const far = (p: PointerEvent) =>
      Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    const still = this.#shareAt(other);
    const between = (p: PointerEvent) => {
      const at = this.#shareAt(p);
      return { x: (at.x + still.x) / 2, y: (at.y + still.y) / 2 };
    };
    const [from, to] = [between(before), between(now)];
    const shifted = moved(this.#stage.view, from.x - to.x, from.y - to.y);
    this.#show(zoomed(shifted, far(now) / Math.max(1, far(before)), to));
  }

  /** Where an event is, as shares of the canvas. */
  #shareAt({ clientX, clientY }: MouseEvent): { x: number; y: number } {
    const box = this.#canvas.getBoundingClientRect();
    return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
  }
}
