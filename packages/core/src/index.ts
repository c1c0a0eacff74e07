export { AsmaError, isAsmaError, type AsmaErrorOptions } from "./errors.ts";
