// Effective fields that were measured, from the document: the map laid over the selected unit.

import { boxHolding } from "./box.js";
import { grid } from "./view.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./view.js").Use} Use */
/** @typedef {import("./document.js").Measured} Measured */

/**
 * What is measured of a layer.
 * @param {Measured[]} all @param {Design} design @param {string} layer @returns {Measured[]}
 */
export function measuredOf(all, design, layer) {
  return all.filter((each) => each.layer === layer && (each.network === design.name || each.network === design.source));
}

/** Where a measured field comes from, in words. @param {Measured} each @returns {string} */
export function origin(each) {
  const { images, seeds, weights } = each.runs;
  const names = /** @type {Record<string, string>} */ ({
    density: "path density",
    paths: "paths counted alike",
    init: "gradients at random weights",
    weights: "gradients of the model’s weights",
  });
  const parts = [names[each.source] ?? each.source];
  if (typeof weights === "string") parts.push(weights);
  if (images) parts.push(`${images} image${images === 1 ? "" : "s"}`);
  if (seeds) parts.push(`${seeds} seed${seeds === 1 ? "" : "s"}`);
  if (!each.unit) parts.push("mean over units");
  return parts.join(", ");
}

/**
 * A measured map over a unit, cut off at the image; null where it was measured for another unit.
 * @param {Measured} each @param {Design} design @param {number} at @param {number[]} unit @returns {Use | null}
 */
export function overUnit(each, design, at, unit) {
  if (each.unit && each.unit.join() !== unit.join()) return null;
  const low = each.start.map((start, axis) => {
    if (each.unit) return start;
    const { first, step } = grid(design, at, axis);
    return start + Math.floor(first + step * unit[axis] - 0.5);
  });
  const mass = cut({ low, size: each.shape, data: Float64Array.from(each.levels), lines: null }, design.extent);
  if (!mass) return null;
  const isWhole = mass.size.every((n, axis) => n === each.shape[axis]);
  // Levels are rounded: the boxes come with them, found from the map as it was measured.
  const [half, most] = ["50", "95"].map((share) =>
    isWhole
      ? each.boxes[share].map(
          ([first, last], axis) =>
            /** @type {[number, number]} */ ([first, last].map((at) => at - each.start[axis] + mass.low[axis])),
        )
      : boxHolding(mass, Number(share) / 100),
  );
  return { mass, reason: "", half, most, gates: each.gates, source: `measured: ${origin(each)}`, isMeasured: true };
}

/**
 * The part of a map that lies on the image, with sum 1.
 * @param {import("./density.js").Mass} mass @param {number[]} extent @returns {import("./density.js").Mass | null}
 */
function cut(mass, extent) {
  const low = mass.low.map((n) => Math.max(n, 0));
  const size = mass.size.map((n, axis) => Math.min(mass.low[axis] + n, extent[axis]) - low[axis]);
  if (size.some((n) => n < 1)) return null;
  const data = new Float64Array(size.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) {
    let rest = i;
    let from = 0;
    let block = 1;
    for (let axis = size.length - 1; axis >= 0; axis--) {
      from += ((rest % size[axis]) + low[axis] - mass.low[axis]) * block;
      rest = Math.floor(rest / size[axis]);
      block *= mass.size[axis];
    }
    data[i] = mass.data[from];
  }
  const total = data.reduce((a, b) => a + b, 0);
  return total ? { low, size, data: data.map((value) => value / total), lines: null } : null;
}
