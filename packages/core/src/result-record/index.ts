/**
 * The record of an attack and the files that its figures are worked out from, the same on every host; an entry of
 * its own, since many applications write none.
 *
 * @module
 */
export { adversarialFile, type AdversarialFile } from "./adversarial-file.ts";
export type { RecordedAttack, Verify } from "./recorded-attack.ts";
export type { Agreement, ClassRecord, Erased } from "./compare-predictions.ts";
export { dataFiles, type DataFiles } from "./data-files.ts";
export { encodeLabels, type LabelsFile } from "./encode-labels.ts";
export { fileRecordOf, type FileRecord } from "./file-record.ts";
export type { PicturesRecord, Slice } from "./pictures-record.ts";
export { recordResult } from "./record-result.ts";
export { resultFiles } from "./result-files.ts";
export type {
  AttackSources,
  BestRecord,
  BudgetRecord,
  FeedRecord,
  HostRecord,
  ImageRecord,
  ModelRecord,
  ModelSources,
  RegionRecord,
  ResultRecord,
  TargetRecord,
} from "./result-record.ts";
export { sha256 } from "./sha-256.ts";
export { toolVersion } from "../tool-version.ts";
export { logNames, trajectoryCsv } from "./trajectory-csv.ts";
