/**
 * The program of the keeper's process of an app that has opened its vault with `keeper: "process"`. It opens what the app has
 * described; nothing of the app runs in it.
 */
import { openDescribed } from "./open-described.ts";
import { tellLastFault, workForParent } from "./work-for-parent.ts";

workForParent(openDescribed, tellLastFault);
