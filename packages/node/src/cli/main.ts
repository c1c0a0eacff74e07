import { createRequire } from "node:module";
import { Command, CommanderError, Option } from "commander";
import { addAttackFlag, AttackFlags } from "./attack-flags.ts";
import { attack, type AttackCommandFlags } from "./commands/attack.ts";
import { differentiate, type DifferentiateFlags } from "./commands/differentiate.ts";
import { inspect, type InspectFlags } from "./commands/inspect.ts";
import { predict, type PredictFlags } from "./commands/predict.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { checkFlagEffects } from "./flag-effects.ts";
import { addModelFlags, modelFlagEffects, precisionOption } from "./model-flags.ts";
import { printError, printErrorObject } from "./output.ts";
import { shape } from "./parsers.ts";
import { addRunFlags, runFlagEffects } from "./run-flags.ts";
import { usageErrorOf } from "./usage-error.ts";
import { addTargetFlags, targetFlagEffects } from "./target-flags.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** Builds the command line `onnx-asma`. */
export function program(exit: (code: number) => void): Command {
  const command = new Command("onnx-asma")
    .description(
      "How little must an image change before a segmentation model draws the mask an attacker chose?",
    )
    .version(version)
    .exitOverride()
    // `usageErrorOf` says it in our words.
    .configureOutput({ outputError: () => undefined });
  addInspect(command, exit);
  addPredict(command, exit);
  addDifferentiate(command, exit);
  addAttack(command, exit);
  return command;
}

type Exit = (code: number) => void;

function addInspect(parent: Command, exit: Exit): void {
  const command = parent
    .command("inspect <model> [image]")
    .description(
      "say what a model was taken to mean, why, and how to overrule it; with an image also what it draws on it",
    )
    .option("-o, --out <file.png>", "a picture of the image with what the model draws on it")
    .option("--force", "overwrite it")
    .option("--json", "one JSON object on stdout");
  addModelFlags(command).action(
    async (model: string, image: string | undefined, flags: InspectFlags) => {
      checkFlagEffects(command, modelFlagEffects);
      exit(await inspect(model, image, flags));
    },
  );
}

function addPredict(parent: Command, exit: Exit): void {
  const command = parent
    .command("predict <model> <image>")
    .description("write what the untouched model draws on an image: labels, colours and scores")
    .requiredOption("-o, --out <folder>", "folder for the results")
    .option("--force", "overwrite existing results")
    .option("--json", "one JSON object on stdout");
  addModelFlags(command).action(async (model: string, image: string, flags: PredictFlags) => {
    checkFlagEffects(command, modelFlagEffects);
    exit(await predict(model, image, flags));
  });
}

function addDifferentiate(parent: Command, exit: Exit): void {
  parent
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
}

function addAttack(parent: Command, exit: Exit): void {
  const command = parent
    .command("attack <model> <image>")
    .description("change the image until the model draws the target")
    .requiredOption("-o, --out <folder>", "folder for the results")
    .option("--force", "overwrite existing results")
    .option("--quiet", "no progress bar")
    .option("--json", "one JSON object on stdout");
  addTargetFlags(command);
  addAttackFlag(command);
  addRunFlags(command);
  addModelFlags(command);
  const attackFlags = new AttackFlags(command);
  command.action(async (modelPath: string, imagePath: string, flags: AttackCommandFlags) => {
    checkFlagEffects(command, [...targetFlagEffects, ...runFlagEffects, ...modelFlagEffects]);
    exit(await attack({ modelPath, imagePath, chosen: attackFlags.read(), flags }));
  });
}

/** Runs the command line and returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.reached;
  const isJson = args.includes("--json");
  const command = program((exitCode) => {
    code = exitCode;
  });
  try {
    await command.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) {
        return exitCodes.reached;
      }
      if (error.code !== "commander.help") {
        printError(usageErrorOf(error, command, args), isJson);
      } else if (isJson) {
        // The help stands on stderr.
        const names = command.commands.map((each) => each.name()).join(", ");
        printErrorObject("ERR_USAGE", `Expected a command but found none: name one of ${names}.`);
      }
      return exitCodes.usage;
    }
    printError(error, isJson);
    return exitCodeOf(error);
  }
  return code;
}
