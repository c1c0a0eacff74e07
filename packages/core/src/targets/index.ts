/**
 * Masks to aim at: shapes, and the prediction with a class hidden or its foreground moved; an entry of its own.
 *
 * @module
 */
export { checkGoal, type GoalCheck } from "./check-goal.ts";
export { describePrediction, pixelsPerClass, predictionRemark } from "./describe-prediction.ts";
export { findClass } from "./find-class.ts";
export { hideClass } from "./hide-class.ts";
export { moveForeground, type Move } from "./move-foreground.ts";
export { disc, rectangle } from "./shape.ts";
