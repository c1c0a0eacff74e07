import type { Runtime } from "@onnx-asma/autodiff";
import type { LoadedRuntime } from "./load-runtime.ts";

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

/** The GPU device that ONNX Runtime computes on. */
export class GpuDevice {
  readonly #device: Device;
  readonly #runtime: WebRuntime;
  #isReleased = false;

  private constructor(device: Device, runtime: WebRuntime) {
    this.#device = device;
    this.#runtime = runtime;
  }

  /**
   * The device of a runtime that has loaded a session on WebGPU.
   *
   * @param onLost called once when the device is lost: the runtime itself would wait forever
   */
  static async open(
    { runtime }: LoadedRuntime,
    onLost: (reason: string) => void,
  ): Promise<GpuDevice> {
    const web = runtime as unknown as WebRuntime;
    const device = await web.env.webgpu.device;
    const gpu = new GpuDevice(device, web);
    void device.lost.then(({ message, reason }) => {
      if (!gpu.#isReleased) {
        onLost(message || reason);
      }
    });
    return gpu;
  }

  /** To be called before the last session is released: the runtime then destroys the device itself. */
  release(): void {
    this.#isReleased = true;
  }

  /** Copies a float32 tensor to the GPU, where it stays until it is disposed of. */
  upload(tensor: Tensor): Tensor {
    const data = tensor.data as Float32Array;
    const buffer = this.#device.createBuffer({
      // ONNX Runtime binds whole groups of four values.
      size: Math.ceil(data.byteLength / 16) * 16,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    this.#device.queue.writeBuffer(buffer, 0, data);
    return this.#runtime.Tensor.fromGpuBuffer(buffer, {
      dataType: "float32",
      dims: tensor.dims,
      dispose: () => buffer.destroy(),
    });
  }
}
