import { registerAttack } from "@onnx-asma/web/worker";
import { ownAttack } from "./own-attack.ts";

registerAttack(ownAttack);
