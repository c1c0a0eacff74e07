/** Order of three colour channels in the model's input; images are always RGB. */
export type ChannelOrder = "rgb" | "bgr";
