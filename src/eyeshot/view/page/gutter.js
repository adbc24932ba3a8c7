// One row's piece of the lanes beside ledger and graph: tensors that pass by, that are read, that go on.

import { s } from "./dom.js";

/** @typedef {import("./lanes.js").Row} Row */
/** @typedef {{space: number, high: number, most: number, dot: number}} Look the width of a lane and the height of a row
 *  in CSS pixels; lanes up to which they have it; the radius of a layer's circle */

/**
 * @param {Look} look @param {Row | undefined} row @param {number} width lanes
 * @param {{isBetween?: boolean, gates?: ReadonlySet<number>}} [more] a row between has no layer, lanes only pass it;
 * lanes that are read as gates alone
 */
export function gutter({ space, high, most, dot }, row, width, { isBetween = false, gates } = {}) {
  const step = Math.min(space, (space * most) / width);
  const wide = step * width + 4;
  const middle = high / 2;
  const x = (/** @type {number} */ lane) => step * (lane + 0.5) + 2;
  const path = (/** @type {string} */ d, kind = "lane") => s("path", { d, class: kind });
  const passing = !row ? [] : isBetween ? [...new Set([...row.through, ...row.from])] : row.through;
  const parts = passing.map((lane) => path(`M${x(lane)} 0V${high}`));
  const frame = { width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none" };
  if (!row || isBetween) return s("svg", { ...frame, "aria-hidden": "true" }, parts);
  const here = x(row.lane);
  for (const lane of row.from) {
    const bend = `M${x(lane)} 0C${x(lane)} ${middle} ${here} 2 ${here} ${middle}`;
    parts.push(path(lane === row.lane ? `M${here} 0V${middle}` : bend, gates?.has(lane) ? "lane lane-gate" : "lane"));
  }
  if (row.isRead) parts.push(path(`M${here} ${middle}V${high}`));
  const circle = s("circle", { cx: here, cy: middle, r: Math.min(dot, step * 0.42), class: "stop" });
  return s("svg", { ...frame, "aria-hidden": "true" }, parts, circle);
}
