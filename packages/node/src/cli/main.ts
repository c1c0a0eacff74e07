import { createRequire } from "node:module";
import { Command, CommanderError, Option } from "commander";
import { attack, type AttackFlags } from "./commands/attack.ts";
import { differentiate, type DifferentiateFlags } from "./commands/differentiate.ts";
import { inspect } from "./commands/inspect.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { addModelFlags, precisionOption, type ModelFlags } from "./model-flags.ts";
import { errorHeading, printError, printErrorObject } from "./output.ts";
import { integerFrom, nonNegative, positive, shape } from "./parsers.ts";
import { addTargetFlags } from "./target-flags.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** Builds the command line `onnx-asma`. */
export function program(exit: (code: number) => void): Command {
  const command = new Command("onnx-asma")
    .description(
      "How little must an image change before a segmentation model draws the mask an attacker chose?",
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error:/, errorHeading("ERR_USAGE"))),
    })
    .showHelpAfterError("(see --help)");
  addModelFlags(command.command("inspect <model>"))
    .description("say what a model was taken to mean, why, and how to overrule it")
    .option("--json", "one JSON object on stdout")
    .action(async (model: string, flags: ModelFlags & { json?: boolean }) =>
      exit(await inspect(model, flags)),
    );
  command
    .command("differentiate <model>")
    .description(
      "write the training graph: image and <output>_grad in, outputs and <input>_grad out; float16, bfloat16, integer images and QDQ models give float32 graphs (quantized ones with straight-through gradients)",
    )
    .requiredOption("-o, --out <file>", "where to write it")
    .option(
      "--shape <name=dims>",
      "concrete dims of an input, e.g. image=1,3,512,512 (repeatable)",
      shape,
    )
    .option(
      "--input <names...>",
      "values to differentiate with respect to (default: the first float input)",
    )
    .option("--output <names...>", "values to differentiate (default: the first float output)")
    .addOption(
      new Option("--weights <how>", "embed them, or refer to the model's own file beside it")
        .choices(["embed", "reference"])
        .default("embed"),
    )
    .addOption(precisionOption())
    .option("--force", "overwrite the file")
    .option("--json", "one JSON object on stdout")
    .action(async (model: string, flags: DifferentiateFlags) =>
      exit(await differentiate(model, flags)),
    );
  addModelFlags(
    addTargetFlags(
      command
        .command("attack <model> <image>")
        .description("change the image until the model draws the target")
        .requiredOption("-o, --out <folder>", "folder for the results"),
    ),
  )
    .addOption(
      new Option(
        "--variant <name>",
        "loss over wrong pixels (asm) or all (ssm), with growing step (asma, ssm+dpm) or constant",
      )
        .choices(["asma", "asm", "ssm", "ssm+dpm"])
        .default("asma"),
    )
    .addOption(
      new Option("--flavour <name>", "whose bookkeeping")
        .choices(["default", "reference", "adv_lib"])
        .default("default"),
    )
    .option("--beta <number>", "β of the step size β·IoU + τ (default: automatic)", positive)
    .option("--tau <number>", "τ of the step size (default: automatic)", positive)
    .option("--alpha <number>", "constant step size of asm and ssm (default: automatic)", positive)
    .option(
      "--lambda <number>",
      "weight of the distance loss (default: 0; 1 in the other flavours)",
      nonNegative(),
    )
    .addOption(
      new Option("--iterations <number>", "steps at most").argParser(integerFrom(1)).default(500),
    )
    .addOption(
      new Option("--iou <number>", "IoU that counts as reached")
        .argParser(nonNegative(1))
        .default(0.95),
    )
    .addOption(
      new Option("--pixel-accuracy <number>", "pixel accuracy that counts as reached")
        .argParser(nonNegative(1))
        .default(0),
    )
    .option("--no-early-stop", "use all iterations, and keep the reached iterate of smallest L2")
    .option("--region <mask>", "where the image may change (PNG of the image's size, white = may)")
    .option("--float", "optimise the float image instead of what the saved file can hold")
    .option("--force", "overwrite existing results")
    .option("--quiet", "no progress bar")
    .option("--json", "one JSON object on stdout")
    .action(async (model: string, image: string, flags: AttackFlags) =>
      exit(await attack(model, image, flags)),
    );
  return command;
}

/** Runs the command line and returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.reached;
  try {
    await program((exitCode) => {
      code = exitCode;
    }).parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) {
        return exitCodes.reached;
      }
      if (args.includes("--json")) {
        const message =
          error.code === "commander.help"
            ? "Expected a command: inspect, differentiate or attack."
            : error.message.replace(/^error: /, "");
        printErrorObject("ERR_USAGE", message);
      }
      return exitCodes.usage;
    }
    printError(error, args.includes("--json"));
    return exitCodeOf(error);
  }
  return code;
}
