import type { Runtime, Session } from "@onnx-asma/autodiff";
import { AsmaError } from "@onnx-asma/core";

type Tensor = InstanceType<Runtime["Tensor"]>;

/** The parts of WebGPU that are used here; TypeScript's library has none of it. */
interface Buffer {
  destroy(): void;
}
interface Device {
  readonly lost: Promise<{ readonly message: string; readonly reason: string }>;
  readonly queue: { writeBuffer(buffer: Buffer, offset: number, data: ArrayBufferView): void };
  createBuffer(descriptor: { readonly size: number; readonly usage: number }): Buffer;
}
interface WebRuntime {
  readonly env: { readonly webgpu: { readonly device: Promise<Device> } };
  readonly Tensor: {
    fromGpuBuffer(
      buffer: Buffer,
      options: { dataType: "float32"; dims: readonly number[]; dispose: () => void },
    ): Tensor;
  };
}
declare const GPUBufferUsage: Readonly<Record<"STORAGE" | "COPY_SRC" | "COPY_DST", number>>;

/** The GPU device that ONNX Runtime computes on; it stays while this is not released. */
export class GpuDevice {
  readonly #device: Device;
  readonly #runtime: WebRuntime;
  readonly #session: Session;
  #isReleased = false;
  readonly #lost: Promise<string>;

  private constructor(device: Device, runtime: WebRuntime, session: Session) {
    this.#device = device;
    this.#runtime = runtime;
    this.#session = session;
    this.#lost = device.lost.then(({ message, reason }) => message || reason);
  }

  /**
   * Opens the device of a runtime.
   *
   * @param model the bytes of any model: the runtime has its device from the first session on, and destroys
   *   it with the last one
   * @param onLost called once when the device is lost: the runtime itself would wait forever
   */
  static async open(
    runtime: Runtime,
    model: Uint8Array,
    onLost: (reason: string) => void,
  ): Promise<GpuDevice> {
    const session = await runtime.InferenceSession.create(model, {
      executionProviders: ["webgpu"],
    });
    const web = runtime as unknown as WebRuntime;
    const device = await web.env.webgpu.device;
    const gpu = new GpuDevice(device, web, session);
    void gpu.#lost.then((reason) => {
      if (!gpu.#isReleased) {
        onLost(reason);
      }
    });
    return gpu;
  }

  /** Why the device was lost, where it was: what runs on it may fail a moment before that is known. */
  async lossNow(): Promise<string | undefined> {
    const moment = new Promise<undefined>((resolve) => setTimeout(resolve, 300));
    return this.#isReleased ? undefined : await Promise.race([this.#lost, moment]);
  }

  /** Lets the device go; to be called when no other session is on it. */
  async release(): Promise<void> {
    this.#isReleased = true;
    await this.#session.release();
  }

  /**
   * Copies a float32 tensor to the GPU, where it stays until it is disposed of.
   *
   * @throws AsmaError `ERR_RUNTIME` when there is no room for it
   */
  upload(tensor: Tensor): Tensor {
    const data = tensor.data as Float32Array;
    // ONNX Runtime binds whole groups of four values.
    const size = Math.ceil(data.byteLength / 16) * 16;
    let buffer: Buffer;
    try {
      const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
      buffer = this.#device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
      this.#device.queue.writeBuffer(buffer, 0, data);
    } catch (cause) {
      throw new AsmaError(
        "ERR_RUNTIME",
        `The GPU took no ${size} bytes: ${cause instanceof Error ? cause.message : String(cause)}.`,
        { cause },
      );
    }
    return this.#runtime.Tensor.fromGpuBuffer(buffer, {
      dataType: "float32",
      dims: tensor.dims,
      dispose: () => buffer.destroy(),
    });
  }
}
