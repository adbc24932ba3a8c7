// The ledger as CSV, line by line what `eyeshot show … --all --csv` prints.

import { fraction, imageShare } from "./words.js";

/** @typedef {import("./network.js").Design} Design */

const HEAD = [
  "layer",
  "op",
  "out",
  "field",
  "data_field",
  "image_share",
  "stride",
  "global",
  "exact",
  "params",
  "macs",
  "macs_share",
];
const AXES = ["z", "y", "x"];

/** @param {Design} design */
export function csv(design) {
  const layers = design.nodes.filter((node) => node.op !== "input");
  const all = layers.reduce((sum, node) => sum + node.macs, 0);
  const rows = layers.map((node) => [
    node.name,
    node.words,
    node.shape.slice(1).join("x"),
    node.field.size.join("x"),
    node.data.size.join("x"),
    float(imageShare(node.field, design.extent)),
    (node.field.stride ?? []).map((step) => (step === null ? "" : fraction(step, 4096))).join("x"),
    Boolean(node.field.global),
    !node.field.bound,
    node.params,
    node.macs,
    float(all ? node.macs / all : 0),
    ...node.field.size,
    ...design.extent.map((_, axis) => decimal(node.field.stride?.[axis])),
  ]);
  const axes = AXES.slice(-design.extent.length);
  const head = [...HEAD, ...axes.map((axis) => `field_${axis}`), ...axes.map((axis) => `stride_${axis}`)];
  return [head, ...rows].map((row) => `${row.map(cell).join()}\n`).join("");
}

/**
 * A value as a cell: its control characters written out, and no formula to a program that opens the file.
 * @param {unknown} value
 */
export function cell(value) {
  const text = visible(String(value));
  const isFormula =
    typeof value === "string" && /^[=+\-−@＝＋－＠]/.test(text) && !/^[-+]?[\d.]+(x[-+]?[\d.]+)*$/.test(text);
  const guarded = isFormula ? `'${text}` : text;
  return /[",\n\r]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** @param {string} text */
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code < 0x100) return { 9: "\\t", 10: "\\n", 13: "\\r" }[code] ?? `\\x${hex.padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  });
}

/** A step: whole where it is, nothing where there is none. @param {number | null | undefined} value */
function decimal(value) {
  if (value === null || value === undefined) return "";
  return Number.isInteger(value) ? value : float(value);
}

/** A number as Python writes it. @param {number} value */
function float(value) {
  if (value && Math.abs(value) < 1e-4) return value.toExponential().replace(/e-(\d)$/, "e-0$1");
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
