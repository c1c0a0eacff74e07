import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { unet, writeImage, writePng } from "../support/golden-scene.ts";
import { runMain } from "../support/run-main.ts";

/** What a newcomer types, and what has to be said about it. */
interface Mistake {
  readonly args: string;
  readonly code: string;
  readonly exit: number;
  /** Parts of the message: the thing, what was expected, what was found, the way out. */
  readonly says: readonly (string | RegExp)[];
}

const refused = (
  exit: number,
  code: string,
  args: string,
  ...says: readonly (string | RegExp)[]
): Mistake => ({ args, code, exit, says });
const usage = (args: string, ...says: readonly (string | RegExp)[]) =>
  refused(2, "ERR_USAGE", args, ...says);
const error = (code: string, args: string, ...says: readonly (string | RegExp)[]) =>
  refused(1, code, args, ...says);

const runtime = dirname(
  createRequire(
    fileURLToPath(new URL("../../packages/node/package.json", import.meta.url)),
  ).resolve("onnxruntime-node/package.json"),
);
const hasCuda = readdirSync(runtime, { recursive: true, encoding: "utf8" }).some((path) =>
  path.includes("providers_cuda"),
);

const attack = "attack model.onnx image.png -o out";
const predict = "predict model.onnx image.png -o out";
const inspect = "inspect model.onnx";
const differentiate = "differentiate model.onnx -o gradient.onnx --shape image=1,3,92,92";

const mistakes: readonly Mistake[] = [
  // Commands and files.
  usage(
    "model.onnx image.png",
    "a command, one of inspect,",
    "found 'model.onnx'",
    "onnx-asma inspect model.onnx image.png",
  ),
  usage("atack model.onnx image.png -o out", "a command", "found 'atack'", "did you mean attack?"),
  usage(
    "predict model.onnx -o out",
    "<model> and <image>",
    "found no <image>",
    "write onnx-asma predict <model> <image>",
  ),
  usage(
    "attack model.onnx other.png image.png -o out",
    "<model> and <image> alone",
    "found 'image.png' too",
    "did you mean --target image.png?",
  ),
  usage(
    "predict model.onnx image.png other.png -o out",
    "<model> and <image> alone",
    "found 'other.png' too",
    "leave it out, or run the command again",
  ),
  usage(
    "differentiate model.onnx image.png -o gradient.onnx",
    "<model> alone",
    "found 'image.png' too",
    "leave it out",
  ),
  error(
    "ERR_MODEL_UNREADABLE",
    "attack model.pt image.png --hide 1 -o out",
    "an ONNX model in 'model.pt'",
    "a checkpoint of PyTorch",
    "torch.onnx.export",
  ),
  error(
    "ERR_MODEL_UNREADABLE",
    "attack image.png model.onnx --hide 1 -o out",
    "an ONNX model in 'image.png'",
    "a PNG picture",
    "the model first and the image after it",
  ),
  error(
    "ERR_MODEL_UNREADABLE",
    "inspect image.png",
    "an ONNX model in 'image.png'",
    "a PNG picture",
    "the model first",
  ),
  error(
    "ERR_MODEL_UNREADABLE",
    "differentiate empty.onnx -o gradient.onnx",
    "an ONNX model in 'empty.onnx'",
    "it is empty",
    "export or download it again",
  ),
  error(
    "ERR_FILE_NOT_READABLE",
    "inspect folder",
    "an ONNX model at 'folder'",
    "it is a folder",
    "name the .onnx file",
  ),
  error(
    "ERR_FILE_NOT_FOUND",
    "inspect absent.onnx",
    "an ONNX model at 'absent.onnx'",
    "there is none",
    "check the path",
  ),
  error(
    "ERR_FILE_NOT_FOUND",
    "predict model.onnx absent.png -o out",
    "a file at 'absent.png'",
    "there is none",
    "check the path",
  ),
  error(
    "ERR_FILE_NOT_READABLE",
    "predict model.onnx folder -o out",
    "a file at 'folder'",
    "it is a folder",
    "name the file itself",
  ),
  error(
    "ERR_IMAGE_UNREADABLE",
    "predict model.onnx empty.png -o out",
    "a PNG, JPEG",
    "'empty.png' is empty",
    "save it again",
  ),
  error(
    "ERR_IMAGE_UNREADABLE",
    "predict model.onnx notes.txt -o out",
    "a PNG, JPEG",
    "'notes.txt' is a text",
    "name the picture itself",
  ),
  error(
    "ERR_IMAGE_UNREADABLE",
    `${attack} --target model.onnx`,
    "a PNG, JPEG",
    "'model.onnx' seems to be an ONNX model",
    "the model first",
  ),
  error(
    "ERR_IMAGE_CHANNELS",
    "predict model.onnx grey.png -o out",
    "RGB (3 channels)",
    "'grey.png' is grey",
    "save it as RGB",
  ),
  error(
    "ERR_IMAGE_ALPHA",
    "predict model.onnx alpha.png -o out",
    "an opaque image",
    "'alpha.png' has an alpha channel",
    "flatten it",
  ),
  // Where results go.
  usage(
    "attack model.onnx image.png --hide 1",
    "-o, --out <folder> with attack",
    "it is not given",
    "-o results",
  ),
  usage(
    "attack model.onnx image.png --output out --hide 1",
    "-o, --out <folder>",
    "it is not given",
    "--output names an output of the model",
  ),
  error(
    "ERR_FOLDER_NOT_WRITABLE",
    "predict model.onnx image.png -o notes.txt/out",
    "a folder to write to",
    "'notes.txt/out' is a file, or lies below one",
    "choose another one with -o",
  ),
  error(
    "ERR_FOLDER_NOT_WRITABLE",
    "inspect model.onnx image.png -o folder",
    "a file for the picture behind -o",
    "'folder' is a folder",
    "as in folder/result.png",
  ),
  usage(
    "inspect model.onnx image.png -o seen.jpg",
    "a name that ends in .png for the picture",
    "found 'seen.jpg'",
    "call it seen.png",
  ),
  usage(
    "differentiate model.onnx -o gradient.pt",
    "a name that ends in .onnx for the training graph",
    "found 'gradient.pt'",
    "call it gradient.onnx",
  ),
  error(
    "ERR_RESULTS_EXIST",
    "inspect model.onnx image.png -o image.png",
    "'image.png' exists already",
    "choose another file",
    "--force",
  ),
  error(
    "ERR_RESULTS_EXIST",
    "differentiate model.onnx -o model.onnx",
    "'model.onnx' is the model itself",
    "choose another file",
  ),
  usage(
    `${inspect} -o seen.png`,
    "an image whose prediction --out shows",
    "found the model alone",
    "name one behind the model",
  ),
  // Flags.
  usage(`${attack} --hid 1`, "a flag of attack", "found '--hid'", "did you mean --hide?"),
  usage(`${attack} --hide`, "a value behind --hide", "found none", "see onnx-asma attack --help"),
  usage(attack, "exactly one target (--target,", "found none", "--hide 1"),
  usage(
    `${attack} --hide 1 --target mask.png`,
    "exactly one target",
    "found 2",
    "leave all but one out",
  ),
  usage(
    `${attack} --hide 1 --iterations many`,
    "a number for --iterations",
    "found 'many'",
    "--help",
  ),
  usage(
    `${attack} --hide 1 --iou 95`,
    "a number from 0 to 1 (0.95 for 95 %) for --iou",
    "found '95'",
    "--help",
  ),
  usage(
    `${attack} --hide 1 --attack fgsm`,
    "one of asma, pgd, mi-fgsm, ",
    "for --attack",
    "found 'fgsm'",
    "--help",
  ),
  usage(
    `${attack} --hide 1 --epsilon 0.03`,
    "--epsilon belongs to --attack pgd and mi-fgsm",
    "the attack here is asma",
    "choose another attack",
  ),
  refused(
    2,
    "ERR_OPTION",
    `${attack} --hide 1 --attack pgd --epsilon 8`,
    "at most 1 for --epsilon",
    "found 8",
    "0.03137",
  ),
  usage(`${attack} --hide 0`, "a class from 1 on", "for --hide", "found '0'", "--help"),
  usage(`${attack} --disc 46,46`, "3 or 4 numbers", "for --disc", "found '46,46'", "--help"),
  usage(`${attack} --disc a,46,9`, "a number for --disc", "found 'a' in 'a,46,9'", "--help"),
  usage(`${inspect} --layout BCHW`, "one of NCHW, ", "for --layout", "found 'BCHW'", "--help"),
  usage(
    `${predict} --mean image-net`,
    "one of unit, signed, bytes, imagenet for --mean",
    "found 'image-net'",
    "--help",
  ),
  refused(
    2,
    "ERR_OPTION",
    `${predict} --mean imagenet --range 0,255`,
    "--mean imagenet without --range",
    "--range is 0, 255",
    "leave it out",
  ),
  error(
    "ERR_PREPROCESSING",
    `${predict} --mean 0.485,0.456`,
    "3 numbers (one per channel)",
    "for --mean",
    "found 2 (0.485, 0.456)",
    "give one for each channel",
  ),
  error(
    "ERR_PREPROCESSING",
    `${predict} --std 0`,
    "positive numbers for --std",
    "found 0",
    "leave it out",
  ),
  refused(
    2,
    "ERR_PROVIDER",
    `${predict} --provider gpu`,
    "execution providers among cpu",
    "found 'gpu'",
    "correct --provider",
  ),
  usage(`${inspect} --shape 1,3,92,92`, "NAME=D1,D2", "for --shape", "found '1,3,92,92'", "--help"),
  error(
    "ERR_INPUT_DIMS",
    `${predict} --shape input=1,3,92,92`,
    "'input'",
    "the model's inputs are 'image'",
    "name one of them",
  ),
  error(
    "ERR_INPUT_DIMS",
    inspect,
    "Input 'image' has dims [?, 3, ?, ?]",
    "give concrete ones",
    "--shape image=1,3,512,512, or an image",
  ),
  ...(hasCuda
    ? []
    : [
        refused(
          2,
          "ERR_PROVIDER",
          `${predict} --provider cuda`,
          "the execution provider 'cuda' to be installed",
          "has no '",
          "install onnxruntime-node again",
          "leave --provider out",
        ),
      ]),
  // What the model shall draw.
  error(
    "ERR_TARGET_CLASS",
    `${attack} --classes ground,circle --hide cirle`,
    "'circle' (1), 'ground' (0)",
    "--hide asks for 'cirle'",
    "by its name or number",
  ),
  error(
    "ERR_TARGET_CLASS",
    `${attack} --target-class 7 --disc 46,46,9`,
    "'class 1' (1)",
    "--target-class asks for 7",
    "by its name or number",
  ),
  error(
    "ERR_TARGET_CLASS",
    `${attack} --hide 1 --loss-classes disk`,
    "'class 1' (1)",
    "--loss-classes asks for 'disk'",
  ),
  refused(
    5,
    "ERR_TARGET_EMPTY",
    `${attack} --disc 460,460,9`,
    "the shape of --disc to lie on the model's output grid, rows 20 to 72, columns 20 to 72",
    "it covers no pixel",
    "move it there",
  ),
  error(
    "ERR_TARGET_SIZE",
    `${attack} --target small.png`,
    "52×52 pixels (the model's output grid) or 92×92 (the image)",
    "'small.png' has 50×50",
    "nearest neighbours",
  ),
  error(
    "ERR_REGION",
    `${attack} --hide 1 --region small.png`,
    "92×92 pixels, the image's size",
    "'small.png' has 50×50",
    "nearest neighbours",
  ),
  error(
    "ERR_MASK_VALUES",
    `${attack} --target grey.png`,
    "0 and 255 in the mask",
    "'grey.png' holds the grey values",
    "--mask-threshold 20",
  ),
  error(
    "ERR_MASK_VALUES",
    `${attack} --target image.png`,
    "grey values or palette indices",
    "'image.png' holds the colours",
    "--class-map",
  ),
  // How the model is read.
  refused(
    4,
    "ERR_OUTPUT",
    `${predict} --output probs`,
    "no output 'probs'",
    "Its outputs are 'logits'",
    "name one of them",
  ),
  refused(
    4,
    "ERR_IMAGE_INPUT",
    `${predict} --input pixels`,
    "Expected 'pixels' to be",
    "the model's inputs are 'image'",
    "--layout",
  ),
  error(
    "ERR_CLASSES",
    `${predict} --classes background`,
    "2 class names",
    "found 1 (background)",
    "name each once",
  ),
  error(
    "ERR_CLASS",
    `${predict} --output-kind logit --classes disc,cup --class cub`,
    "a class from 0 to 1 (disc, cup) for --class",
    "found cub",
    "Did you mean 'cup'?",
  ),
  error(
    "ERR_FEED",
    `${predict} --feed t=1`,
    "names of the model's inputs beside the image in --feed",
    "'t' is none of 'image'",
    "correct the name",
  ),
  error(
    "ERR_UNKNOWN_VALUE",
    `${differentiate} --input pixels`,
    "no value 'pixels'",
    "Its inputs and outputs are 'image', 'logits'",
    "name one of those",
  ),
];

const folder = mkdtempSync(join(tmpdir(), "onnx-asma-mistakes-"));
const home = process.cwd();

beforeAll(() => {
  process.chdir(folder);
  copyFileSync(unet, "model.onnx");
  const checkpoint = new URL("../foreign-files/checkpoint.pt", import.meta.url);
  copyFileSync(fileURLToPath(checkpoint), "model.pt");
  writeImage(".");
  const pixels = (count: number) => Uint8Array.from({ length: count }, (_, i) => (i * 7) % 251);
  writePng(".", "other.png", 92, 3, pixels(92 * 92 * 3));
  writePng(".", "grey.png", 92, 1, pixels(92 * 92));
  writePng(".", "alpha.png", 92, 4, pixels(92 * 92 * 4));
  writePng(".", "small.png", 50, 1, new Uint8Array(2500).fill(255));
  writeFileSync("empty.onnx", "");
  writeFileSync("empty.png", "");
  writeFileSync("notes.txt", "Where did I put the model?\n");
  mkdirSync("folder");
  return () => process.chdir(home);
});

const said: string[] = [];

it.each(mistakes.map((mistake) => [mistake.args, mistake] as const))(
  "onnx-asma %s",
  async (_, { args, code, exit, says }) => {
    const before = readdirSync(folder);
    const [command = "", ...rest] = args.split(" ");
    const found = await runMain([command, "--json", ...rest]);
    const { error: object } = JSON.parse(found.stdout) as {
      error: { code: string; message: string };
    };
    said.push(`| \`onnx-asma ${args}\` | ${object.message} |`);
    expect({ exit: found.code, code: object.code }, object.message).toEqual({ exit, code });
    for (const part of says) {
      expect(object.message).toMatch(part);
    }
    expect(found.stderr).toContain(`${code} ${object.message}`);
    // One sentence or a few, no stack, and nothing left behind.
    expect(object.message).toMatch(/^[A-Z'-].*[.?]$/);
    expect(found.stderr).not.toMatch(/^ +at /m);
    expect(readdirSync(folder)).toEqual(before);
  },
);

afterAll(() => {
  rmSync(folder, { recursive: true });
  if (process.env["TABLE"] === "1") {
    console.log(["| Mistake | What is said |", "|---|---|", ...said].join("\n"));
  }
});
