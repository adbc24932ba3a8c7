// How numbers are written for people: 227×227, 665.8 M, 51.6 %. As eyeshot/report/wording.py has it.

export const NONE = "–";

/** @param {Iterable<unknown>} sizes @returns {string} */
export function times(sizes) {
  return [...sizes].join("×");
}

/** A share of 1 with one decimal; not rounded to 0 or 100 unless it is. @param {number} share @returns {string} */
export function percent(share) {
  if (share === 0 || share === 1) return `${100 * share} %`;
  if (share > 0 && share < 0.0005) return "<0.1 %";
  if (share >= 0.9995 && share < 1) return ">99.9 %";
  return `${(100 * share).toFixed(1)} %`;
}

/** Four significant digits and a unit prefix. @param {number} value @returns {string} */
export function short(value) {
  if (value < 1000) return whole(value);
  for (const [power, prefix] of /** @type {Array<[number, string]>} */ ([
    [3, "k"],
    [6, "M"],
    [9, "G"],
    [12, "T"],
    [15, "P"],
  ])) {
    const scaled = Number((value / 10 ** power).toPrecision(4));
    if (scaled < 1000) return `${scaled.toFixed(3 - Math.floor(Math.log10(scaled)))} ${prefix}`;
  }
  return value.toExponential(3);
}

const digits = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

/** Digits in groups of three. @param {number} value @returns {string} */
export function whole(value) {
  return digits.format(value).replace("-", "−");
}

/** A number with a proper minus. @param {number} value @param {number} [decimals] @returns {string} */
export function plain(value, decimals) {
  return (decimals === undefined ? String(value) : value.toFixed(decimals)).replace("-", "−");
}

/**
 * A text with its middle left out where it is longer than so many signs.
 * @param {string} text @param {number} [most] @returns {string}
 */
export function shortened(text, most = 36) {
  const signs = [...text];
  if (signs.length <= most) return text;
  const head = Math.floor(most / 2);
  return `${signs.slice(0, head).join("")}…${signs.slice(signs.length - (most - head - 1)).join("")}`;
}

/** What a layer's units see. @param {import("./network.js").Field} field @returns {string} */
export function fieldSize(field) {
  if (!field.size.length || field.size.some((n) => !n)) return NONE;
  return (
    (field.bound ? "≤" : "") +
    times(field.size.map((n, axis) => (field.sides?.[axis] ? `all ${field.sides[axis]}` : n)))
  );
}

/** The same in a sentence. @param {import("./network.js").Field} field @returns {string} */
export function fieldPixels(field) {
  if (!field.sides || fieldSize(field) === NONE) return `${fieldSize(field)} pixels`;
  if (field.size.length === 1) return `${fieldSize(field)} it`;
  return `${times(field.size)} pixels at most, ${fieldSize(field)}`;
}

/** A number that is whole or a ratio of small numbers. @param {number} value @param {number} most of the one below */
export function fraction(value, most) {
  for (let below = 1; below <= most; below++) {
    const above = Math.round(value * below);
    if (Math.abs(above / below - value) < 1e-12) return below === 1 ? String(above) : `${above}/${below}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Input pixels per step, once where all axes agree. @param {import("./network.js").Field} field @returns {string} */
export function fieldStride(field) {
  if (!field.stride) return NONE;
  const steps = field.stride.map((step) => (step === null ? NONE : fraction(step, 99)));
  return new Set(steps).size === 1 ? steps[0] : times(steps);
}

/**
 * Share of the image inside the field of a unit that has it whole before it.
 * @param {import("./network.js").Field} field @param {number[]} extent
 */
export function imageShare(field, extent) {
  if (!field.size.length) return 0;
  return field.size.reduce((n, size, axis) => n * Math.min(size, extent[axis]), 1) / extent.reduce((a, b) => a * b, 1);
}

/** What the axes of an image are called. @param {number} count @returns {string[]} */
export function axisNames(count) {
  return count === 1 ? ["positions"] : count === 2 ? ["rows", "columns"] : ["planes", "rows", "columns"];
}

/** @param {[number, number]} range @returns {string} */
export function range([first, last]) {
  return first === last ? plain(first) : `${plain(first)}–${plain(last)}`;
}

/** Words in a row. @param {string[]} items @returns {string} */
export function listed(items) {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Singular or plural with its number. @param {number} n @param {string} one @param {string} [many] */
export function counted(n, one, many = `${one}s`) {
  return `${whole(n)} ${n === 1 ? one : many}`;
}

/**
 * The change against a reference in per cent; empty where the reference is nothing.
 * @param {number} value @param {number} reference
 */
export function relative(value, reference) {
  if (value === reference) return "=";
  if (!reference) return "";
  const change = 100 * (value / reference - 1);
  if (Math.abs(change) >= 1000) return `×${Number((value / reference).toPrecision(3))}`;
  if (Math.abs(change) < 0.05) return change > 0 ? "+<0.1 %" : "−<0.1 %";
  if (change > -100 && change < -99.95) return "−>99.9 %";
  return `${change > 0 ? "+" : ""}${plain(change, 1)} %`;
}
