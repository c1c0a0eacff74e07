import type { Command, CommanderError } from "commander";
import { refusal, type AsmaError, type Refusal } from "@onnx-asma/core";
import { nearestFirst } from "@onnx-asma/core/nearest-first";

/**
 * What is wrong with a command line, as our errors say it.
 *
 * @param error what commander found
 * @param program as it parsed the arguments
 */
export function usageErrorOf(
  error: CommanderError,
  program: Command,
  args: readonly string[],
): AsmaError {
  const command = program.commands.find((each) => each.name() === args[0]) ?? program;
  const say = (parts: Omit<Refusal, "wayOut">, wayOut?: string) =>
    refusal("ERR_USAGE", { ...parts, wayOut: wayOut ?? helpOf(command) });
  const quoted = [...error.message.matchAll(/'([^']*)'/g)].map(([, text]) => text as string);
  const [first = "", second = ""] = quoted;
  const meant = /Did you mean (?:one of )?(.*)\?\)/.exec(error.message)?.[1];
  switch (error.code) {
    case "commander.excessArguments":
      return excess(command, say);
    case "commander.missingArgument": {
      const wanted = usageOf(command);
      const required = wanted.filter((name) => name.startsWith("<"));
      return say(
        {
          expected: `${required.join(" and ")} behind ${command.name()}`,
          found: `found no <${first}>`,
        },
        `write onnx-asma ${command.name()} ${wanted.join(" ")}`,
      );
    }
    case "commander.missingMandatoryOptionValue":
      return say(
        { expected: `${first} with ${command.name()}`, found: "it is not given" },
        args.includes("--output")
          ? "say it with -o; --output names an output of the model"
          : `say where the results go, as in -o ${first.includes("<file>") ? "gradient.onnx" : "results"}`,
      );
    case "commander.optionMissingArgument":
      return say({ expected: `a value behind ${first}`, found: "found none" });
    case "commander.unknownOption":
      return say(
        { expected: `a flag of ${command.name()}`, found: `found '${first}'` },
        meant && `did you mean ${meant}?`,
      );
    case "commander.unknownCommand":
      return unknownCommand(first, args, meant, program);
    case "commander.invalidArgument":
      return invalid(error.message, { flag: first, value: second, command }, say);
    default:
      return say({ expected: "a command line that makes sense", found: error.message });
  }
}

type Say = (parts: Omit<Refusal, "wayOut">, wayOut?: string) => AsmaError;

function helpOf(command: Command): string {
  const name = command.parent === null ? "" : `${command.name()} `;
  return `see onnx-asma ${name}--help`;
}

/** The arguments of a command: in angles those that have to be there. */
function usageOf(command: Command): string[] {
  return command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
}

function excess(command: Command, say: Say): AsmaError {
  const wanted = usageOf(command);
  const [surplus = "", ...more] = command.args.slice(wanted.length);
  const expected = `${wanted.join(" and ")} alone behind ${command.name()}`;
  const found = `found '${[surplus, ...more].join("', '")}' too`;
  if (command.name() === "attack" && command.getOptionValue("target") === undefined) {
    return say({ expected, found }, `did you mean --target ${surplus}?`);
  }
  const wayOut =
    command.name() === "differentiate"
      ? "leave it out, since the graph is made for every image of that size"
      : "leave it out, or run the command again for it";
  return say({ expected, found }, wayOut);
}

function unknownCommand(
  found: string,
  args: readonly string[],
  meant: string | undefined,
  program: Command,
): AsmaError {
  const names = program.commands.map((each) => each.name());
  const isFile = /[./\\]/.test(found);
  const files = args.filter((arg) => /[./\\]/.test(arg)).slice(0, 2);
  return refusal("ERR_USAGE", {
    expected: `a command, one of ${names.join(", ")},`,
    found: `found '${found}'`,
    wayOut: isFile
      ? `put one before the files, as in onnx-asma inspect ${files.join(" ")}`
      : meant
        ? `did you mean ${meant}?`
        : helpOf(program),
  });
}

function invalid(
  message: string,
  {
    flag,
    value,
    command,
  }: { readonly flag: string; readonly value: string; readonly command: Command },
  say: Say,
): AsmaError {
  const long = /--[a-z0-9-]+/.exec(flag)?.[0] ?? flag;
  const wayOut = `correct it, or ${helpOf(command)}`;
  const choices = command.options.find((option) => option.long === long)?.argChoices;
  if (choices !== undefined) {
    const expected = `one of ${nearestFirst(value, choices).join(", ")} for ${long}`;
    return say({ expected, found: `found '${value}'` }, wayOut);
  }
  // What our own parsers say: "Expected … but received '…'."
  const [, expected = "another value", part = value] =
    /is invalid\. Expected (.*?),? but received '(.*)'/s.exec(message) ?? [];
  const found = part === value ? `found '${value}'` : `found '${part}' in '${value}'`;
  return say({ expected: `${expected} for ${long}`, found }, wayOut);
}
