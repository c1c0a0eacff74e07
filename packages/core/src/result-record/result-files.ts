import type { RecordedAttack, Verify } from "./recorded-attack.ts";
import { dataFiles } from "./data-files.ts";
import { fileRecordOf } from "./file-record.ts";
import { recordResult } from "./record-result.ts";
import type { ResultRecord } from "./result-record.ts";

/**
 * The files of an attack without pictures, by name, `result.json` last.
 *
 * @throws AsmaError as `dataFiles` and `recordResult`
 */
export async function resultFiles(
  attack: RecordedAttack,
  verify: Verify,
): Promise<Map<string, Uint8Array>> {
  const data = await dataFiles(attack, verify);
  const written = [...data.files].map(async ([name, bytes]) => await fileRecordOf(name, bytes));
  const record: ResultRecord = {
    ...(await recordResult(attack, data)),
    files: await Promise.all(written),
  };
  const json = `${JSON.stringify(record, undefined, 2)}\n`;
  return new Map([...data.files, ["result.json", new TextEncoder().encode(json)]]);
}
