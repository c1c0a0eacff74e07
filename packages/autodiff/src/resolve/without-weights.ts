import { create } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "../model/onnx-schema.ts";
import { valueInfo } from "../graph/value-info.ts";
import { dataTypeFromProto, type DataType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";

/** Floats whose values no type depends on, and which a session may have as inputs. */
const weightTypes: ReadonlySet<DataType | undefined> = new Set(["float32", "float64", "float16"]);

/**
 * A model with inputs in place of its weights: it has the same types, and the runtime need not copy
 * the weights to tell them.
 */
export function withoutWeights({ proto, graph, files }: Model): Model {
  const isWeight = new Set(
    graph.initializer.filter(
      (tensor) => tensor.dataLocation === 1 && weightTypes.has(dataTypeFromProto(tensor.dataType)),
    ),
  );
  const inputs = [...isWeight].map(({ name, dataType, dims }) =>
    valueInfo({ name, dtype: dataTypeFromProto(dataType) as DataType, dims: dims.map(Number) }),
  );
  const initializer = graph.initializer.filter((tensor) => !isWeight.has(tensor));
  const input = [...graph.input, ...inputs];
  return new Model(
    create(ModelProtoSchema, { ...proto, graph: { ...graph, input, initializer } }),
    files,
  );
}
