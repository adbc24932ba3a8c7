// How far does a map of weights spread? The box that holds half of it, widths per axis, levels for contours.

/** @typedef {import("./density.js").Mass} Mass */

/** Shares less apart than this are one: measured maps come rounded. */
const NEARLY = 1e-4;

/** The map summed over all axes but one. @param {Mass} mass @param {number} axis @returns {Float64Array} */
export function profile(mass, axis) {
  const inner = mass.size.slice(axis + 1).reduce((a, b) => a * b, 1), n = mass.size[axis];
  const result = new Float64Array(n);
  mass.data.forEach((value, i) => (result[Math.floor(i / inner) % n] += value));
  return result;
}

/** The shortest run of whole pixels that holds a share of a profile. @param {Float64Array} values @param {number} share @returns {[number, number]} */
export function shortest(values, share) {
  const total = values.reduce((a, b) => a + b, 0);
  /** @type {[number, number]} */
  let best = [0, values.length - 1];
  let held = 0;
  for (let low = 0, high = -1; low < values.length; held -= values[low++]) {
    while (held < share * total - 1e-12 && high + 1 < values.length) held += values[++high];
    if (held < share * total - 1e-12) break;
    if (high - low < best[1] - best[0]) best = [low, high];
  }
  return best;
}

/** Length of the shortest interval that holds a share of a profile, each pixel's weight lying evenly in it.
 *  @param {Float64Array} values @param {number} share @returns {number} */
export function width(values, share) {
  const held = [0];
  values.forEach((value) => held.push(/** @type {number} */ (held.at(-1)) + value));
  const total = /** @type {number} */ (held.at(-1));
  let best = values.length;
  for (let low = 0, high = 0; low < values.length; low++) {
    const goal = held[low] + share * total;
    if (goal > total * (1 + 1e-12)) break;
    while (high < values.length && held[high] < goal - 1e-15) high++;
    best = Math.min(best, high - low - (values[high - 1] > 0 ? (held[high] - goal) / values[high - 1] : 0));
  }
  for (let high = values.length, low = values.length; high > 0; high--) {
    const goal = held[high] - share * total;
    if (goal < -1e-12 * total) break;
    while (low > 0 && held[low] > goal + 1e-15) low--;
    best = Math.min(best, high - low - (values[low] > 0 ? (goal - held[low]) / values[low] : 0));
  }
  return Math.max(best, 0);
}

/** Standard deviation of the pixels' centres. @param {Float64Array} values @returns {number} */
export function sigma(values) {
  let total = 0, first = 0, second = 0;
  values.forEach((value, i) => {
    total += value;
    first += value * i;
    second += value * i * i;
  });
  return Math.sqrt(Math.max(second / total - (first / total) ** 2, 0));
}

/**
 * The box of whole pixels, one shortest run per axis, that holds a share of the map.
 * @param {Mass} mass @param {number} share @returns {Array<[number, number]>} in pixels of the image
 */
export function boxHolding(mass, share) {
  const profiles = mass.size.map((_, axis) => profile(mass, axis));
  let low = 0, high = 1;
  let best = profiles.map((values) => shortest(values, 1));
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2, box = profiles.map((values) => shortest(values, middle));
    if (inside(mass, box) >= share - NEARLY) {
      best = box;
      high = middle;
    } else low = middle;
  }
  return best.map(([first, last], axis) => [first + mass.low[axis], last + mass.low[axis]]);
}

/** @param {Mass} mass @param {Array<[number, number]>} box @returns {number} */
function inside(mass, box) {
  let total = 0;
  /** @param {number} axis @param {number} at */
  const add = (axis, at) => {
    if (axis === box.length) total += mass.data[at];
    else for (let i = box[axis][0]; i <= box[axis][1]; i++) add(axis + 1, at * mass.size[axis] + i);
  };
  add(0, 0);
  return total;
}

/** The weight above which pixels together hold a share of the map. @param {ArrayLike<number>} values @param {number} share @returns {number} */
export function levelOf(values, share) {
  const sorted = Float64Array.from(values).sort();
  const total = sorted.reduce((a, b) => a + b, 0);
  let held = 0;
  for (let i = sorted.length - 1; i >= 0; i--) {
    held += sorted[i];
    if (held >= share * total - 1e-12) return sorted[i];
  }
  return 0;
}

/** A map of more than two axes summed to its last two. @param {Mass} mass @returns {Mass} */
export function flat(mass) {
  if (mass.size.length <= 2) return mass;
  const [h, w] = mass.size.slice(-2), data = new Float64Array(h * w);
  mass.data.forEach((value, i) => (data[i % (h * w)] += value));
  return { low: mass.low.slice(-2), size: [h, w], data, power: 0 };
}

/** A map without the fine grain that strides leave, for contours: a running mean over a thirtieth of each side, twice.
 *  @param {Float64Array} data @param {number} w @param {number} h @returns {Float64Array} */
export function smoothed(data, w, h) {
  let result = data;
  for (let pass = 0; pass < 2; pass++) {
    result = averaged(result, w, h, 1, w, Math.round(w / 30));
    result = averaged(result, h, w, w, 1, Math.round(h / 30));
  }
  return result;
}

/** A running mean along lines of n cells. @param {Float64Array} data @param {number} n @param {number} lines
 *  @param {number} step between the cells of a line @param {number} next between lines @param {number} radius @returns {Float64Array} */
function averaged(data, n, lines, step, next, radius) {
  if (!radius) return data;
  const result = new Float64Array(data.length);
  for (let line = 0; line < lines; line++) {
    let held = 0;
    for (let i = -radius; i < n; i++) {
      if (i + radius < n) held += data[line * next + (i + radius) * step];
      if (i - radius - 1 >= 0) held -= data[line * next + (i - radius - 1) * step];
      if (i >= 0) result[line * next + i * step] = Math.max(held, 0) / (2 * radius + 1);
    }
  }
  return result;
}
