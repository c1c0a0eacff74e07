/** What a file is, in words, and what to do to get an ONNX model. */
export interface KindOfFile {
  /** With its article: "a TensorFlow Lite model". */
  readonly is: string;
  /** "convert it with tf2onnx". */
  readonly wayOut: string;
}
