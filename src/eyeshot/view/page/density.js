// How much of each pixel does a unit use, by the paths that lead to it? Path density: the expected square of the
// gradient under random weights (Luo et al. 2016). A mark of numbers pulled back from the unit along the data path:
// every element shares its weight among those that it reads. All channels of a tensor are alike.

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./field.js").Read} Read */
/**
 * @typedef {{low: number[], size: number[], readonly data: Float64Array, lines: Float64Array[] | null}} Mass weights of
 * sum 1 in a box of positions, row-major; lines where it is a product of one line per axis, each of sum 1
 */
/**
 * @typedef {{low: number[], size: number[], data: Float64Array | null, lines: Float64Array[] | null, power: number,
 *   age: number}} Part a mass on its way, times 2^power: as a product of one line per axis until branches meet, then
 * written out; not along axes that a tensor no longer has, where size is 1. Paths outgrow any float in deep networks, so
 * all weights share a power; age is how many layers ago it was looked whether they do
 */

/** Layers after which a part is scaled anew. Each makes weights greater by what reads one of them: 823 bits are enough
 *  for sixteen layers of up to 2^51 readers. */
const PATIENCE = 16;

/**
 * The density of one unit on the image, with sum 1, or the reason why there is none; one step a layer, so that long
 * networks can be followed between frames.
 * @param {Design} design @param {number} at @param {number[]} unit
 * @returns {Generator<void, {mass: Mass | null, reason: string}>}
 */
export function* densitySteps(design, at, unit) {
  const { nodes } = design;
  const carries = carriersOf(design);
  /** @type {Array<Part | undefined>} */
  const held = new Array(nodes.length);
  held[at] = {
    low: unit.map((n, axis) => (nodes[at].places[axis] === null ? 0 : n)),
    size: unit.map(() => 1),
    data: null,
    lines: unit.map(() => Float64Array.of(1)),
    power: 0,
    age: 0,
  };
  for (let i = at; i > design.input; i--) {
    const part = held[i];
    held[i] = undefined;
    if (!part) continue;
    for (const read of nodes[i].reads) {
      if (read.gate || !carries[read.source]) continue;
      const back = sent(design, i, read, part);
      if (typeof back === "string") return { mass: null, reason: back };
      if (!back) continue;
      const known = held[read.source];
      held[read.source] = scaled(known ? sum(known, back) : back);
    }
    yield;
  }
  const part = held[design.input];
  if (!part) return { mass: null, reason: "no path without gates leads to the image" };
  return { mass: massOf(part), reason: "" };
}

/** @param {Part} part @returns {Mass} */
function massOf(part) {
  const { low, size } = part;
  if (!part.lines) return { low, size, data: ofSumOne(written(part)), lines: null };
  const lines = part.lines.map(ofSumOne);
  /** @type {Float64Array | null} */
  let known = null;
  return {
    low,
    size,
    lines,
    get data() {
      return (known ??= written({ ...part, lines }));
    },
  };
}

/** @param {Float64Array} values written over */
function ofSumOne(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  for (let i = 0; i < values.length; i++) values[i] /= total;
  return values;
}

/** @type {WeakMap<object, boolean[]>} */
const carriers = new WeakMap();

/** Which layers the image reaches without passing a gate. @param {Design} design @returns {boolean[]} */
function carriersOf(design) {
  const known = carriers.get(design.nodes);
  if (known) return known;
  /** @type {boolean[]} */
  const carries = [];
  for (const [at, { reads }] of design.nodes.entries())
    carries.push(at === design.input || reads.some(({ source, gate }) => !gate && carries[source]));
  carriers.set(design.nodes, carries);
  return carries;
}

/** The same at once. @param {Design} design @param {number} at @param {number[]} unit */
export function density(design, at, unit) {
  const steps = densitySteps(design, at, unit);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** All weights of a mass. @param {Part} mass @returns {Float64Array} */
function written(mass) {
  if (mass.data) return mass.data;
  return /** @type {Float64Array[]} */ (mass.lines).reduce((outer, line) => {
    const result = new Float64Array(outer.length * line.length);
    for (let i = 0, at = 0; i < outer.length; i++) for (const value of line) result[at++] = outer[i] * value;
    return result;
  }, Float64Array.of(1));
}

/**
 * What a read sends back; null for nothing, words where density is not followed.
 * @param {Design} design @param {number} at @param {Read} read @param {Part} mass @returns {Part | string | null}
 */
function sent(design, at, { source, relation }, mass) {
  const after = design.nodes[at];
  const before = design.nodes[source];
  const { kind } = relation;
  if (kind === "opaque") return `${after.name} has no rule`;
  if (
    kind === "window" &&
    relation.axes?.includes(1) &&
    !before.places.includes(1) &&
    before.shape[1] !== after.shape[1]
  ) {
    return `${after.name} takes channels apart`;
  }
  /** @type {Part | null} */
  let result = mass;
  for (let axis = 0; axis < design.axes.length && result; axis++) {
    const from = after.places[axis];
    const to = before.places[axis];
    if (to === null) result = from === null ? result : collapsed(result, axis);
    else if (from === null) result = spread(result, axis, before.shape[to]);
    else {
      const next = moved(result, axis, relation, from, after.shape[from], before.shape[to]);
      if (typeof next === "string") return `${after.name} ${next}`;
      result = next;
    }
  }
  if (!result) return null;
  const factor = fanOut(relation, before.shape, after.shape) / fanIn(relation, before.shape);
  return { ...result, power: result.power + Math.log2(factor), age: mass.age + 1 };
}

/**
 * Elements that an output reads, the mean where they differ in number; as eyeshot/analyse/sharing.py.
 * @param {import("./field.js").Relation} relation @param {number[]} before
 */
function fanIn({ kind, axes = [], slides, reads, groups }, before) {
  if (kind === "window")
    return (slides ?? []).reduce(
      (n, { kernel, base }) => n * Math.max(kernel / base, 1),
      groups ? before[1] / groups : 1,
    );
  if (kind === "taps") return (reads ?? []).reduce((n, each) => n * meanLength(each), 1);
  return kind === "reduce" ? axes.reduce((n, axis) => n * before[axis], 1) : 1;
}

/** @param {number[][]} reads runs of positions, first and last in turn */
function meanLength(reads) {
  let count = 0;
  for (const runs of reads) for (let i = 0; i < runs.length; i += 2) count += runs[i + 1] - runs[i] + 1;
  return Math.max(count / Math.max(reads.length, 1), 1);
}

/**
 * Outputs of other channels that read one element.
 * @param {import("./field.js").Relation} relation @param {number[]} before @param {number[]} after
 */
function fanOut(relation, before, after) {
  if (relation.kind === "window" && relation.groups) return after[1] / relation.groups;
  if (relation.kind === "reduce" && relation.keep)
    return (relation.axes ?? []).includes(after.length - 1) ? after[after.length - 1] : 1;
  return 1;
}

/**
 * @param {Part} mass @param {number} axis @param {import("./field.js").Relation} relation @param {number} place
 * @param {number} m @param {number} n
 * @returns {Part | string | null}
 */
function moved(mass, axis, relation, place, m, n) {
  const i = relation.axes?.indexOf(place) ?? -1;
  if (relation.kind === "window" && i >= 0)
    return slid(mass, axis, /** @type {import("./field.js").Slide[]} */ (relation.slides)[i], n);
  if (relation.kind === "taps" && i >= 0) return tapped(mass, axis, /** @type {number[][][]} */ (relation.reads)[i], n);
  if (relation.kind === "reduce" && i >= 0) return spread(collapsed(mass, axis), axis, n);
  if (relation.kind === "concat" && relation.axis === place) return cropped(mass, axis, relation.offset ?? 0, n);
  if (relation.kind === "elementwise" && n === 1 && m > 1) return collapsed(mass, axis);
  return n === m ? mass : "mixes positions with channels";
}

/**
 * The same mass with a line of another length along one axis, each filled from the old one.
 * @param {Part} mass @param {number} axis @param {number} low @param {number} n
 * @param {(from: Float64Array, fromAt: number, to: Float64Array, toAt: number, step: number) => void} line
 * @returns {Part}
 */
function relined(mass, axis, low, n, line) {
  if (mass.lines) {
    const one = new Float64Array(n);
    line(mass.lines[axis], 0, one, 0, 1);
    return { ...mass, low: mass.low.with(axis, low), size: mass.size.with(axis, n), lines: mass.lines.with(axis, one) };
  }
  const whole = /** @type {Float64Array} */ (mass.data);
  const inner = mass.size.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = mass.size.slice(0, axis).reduce((a, b) => a * b, 1);
  const old = mass.size[axis];
  const data = new Float64Array(outer * n * inner);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) line(whole, o * old * inner + i, data, o * n * inner + i, inner);
  return { ...mass, low: mass.low.with(axis, low), size: mass.size.with(axis, n), data };
}

/**
 * @param {Part} mass @param {number} axis @param {import("./field.js").Slide} slide @param {number} n
 * @returns {Part | null}
 */
function slid(mass, axis, slide, n) {
  const { kernel: k, stride: s, dilation: d, before: p, base: b } = slide;
  const start = mass.low[axis] * s - p;
  const m = mass.size[axis];
  const end = start + (m - 1) * s + (k - 1) * d;
  const first = Math.max(Math.ceil(start / b), 0);
  const last = Math.min(Math.floor(end / b), n - 1);
  if (first > last) return null;
  return relined(mass, axis, first, last - first + 1, (from, fromAt, to, toAt, step) => {
    if (d === 1 && s === 1 && b === 1 && k > 4) {
      running(from, fromAt, m, to, toAt, step, start - first, last - first, k);
      return;
    }
    for (let t = 0, low = start - first * b; t < k; t++, low += d) {
      if (b > 1) {
        for (let i = 0, at = low; i < m; i++, at += s)
          if (at % b === 0 && at >= 0 && at <= (last - first) * b)
            to[toAt + (at / b) * step] += from[fromAt + i * step];
        continue;
      }
      const end = Math.min(m - 1, Math.floor((last - first - low) / s));
      for (let i = Math.max(0, Math.ceil(-low / s)); i <= end; i++)
        to[toAt + (low + i * s) * step] += from[fromAt + i * step];
    }
  });
}

/** A dense window by a running sum: position j of the line gets what outputs j − offset − k + 1 … j − offset hold.
 *  @param {Float64Array} from @param {number} fromAt @param {number} m @param {Float64Array} to @param {number} toAt
 *  @param {number} step @param {number} offset @param {number} last @param {number} k */
function running(from, fromAt, m, to, toAt, step, offset, last, k) {
  const sums = new Float64Array(m + 1);
  for (let i = 0; i < m; i++) sums[i + 1] = sums[i] + from[fromAt + i * step];
  for (let j = 0; j <= last; j++) {
    const high = Math.min(j - offset, m - 1);
    const low = Math.max(j - offset - k + 1, 0);
    if (low <= high) to[toAt + j * step] = sums[high + 1] - sums[low];
  }
}

/** @param {Part} mass @param {number} axis @param {number[][]} reads @param {number} n @returns {Part} */
function tapped(mass, axis, reads, n) {
  return relined(mass, axis, 0, n, (from, fromAt, to, toAt, step) => {
    for (let i = 0; i < mass.size[axis]; i++) {
      const weight = from[fromAt + i * step];
      const taps = reads[i + mass.low[axis]];
      for (let t = 0; t < taps.length; t += 2)
        for (let j = taps[t]; j <= taps[t + 1]; j++) to[toAt + j * step] += weight;
    }
  });
}

/** @param {Part} mass @param {number} axis @returns {Part} */
function collapsed(mass, axis) {
  return relined(mass, axis, 0, 1, (from, fromAt, to, toAt, step) => {
    for (let i = 0; i < mass.size[axis]; i++) to[toAt] += from[fromAt + i * step];
  });
}

/** @param {Part} mass @param {number} axis @param {number} n @returns {Part} */
function spread(mass, axis, n) {
  return relined(mass, axis, 0, n, (from, fromAt, to, toAt, step) => {
    for (let j = 0; j < n; j++) to[toAt + j * step] = from[fromAt];
  });
}

/** @param {Part} mass @param {number} axis @param {number} offset @param {number} n @returns {Part | null} */
function cropped(mass, axis, offset, n) {
  const start = mass.low[axis] - offset;
  const first = Math.max(start, 0);
  const last = Math.min(start + mass.size[axis] - 1, n - 1);
  if (first > last) return null;
  return relined(mass, axis, first, last - first + 1, (from, fromAt, to, toAt, step) => {
    for (let j = first; j <= last; j++) to[toAt + (j - first) * step] = from[fromAt + (j - start) * step];
  });
}

/** @param {Part} a @param {Part} b @returns {Part} */
function sum(a, b) {
  const low = a.low.map((n, axis) => Math.min(n, b.low[axis]));
  const size = a.size.map((n, axis) => Math.max(a.low[axis] + n, b.low[axis] + b.size[axis]) - low[axis]);
  const data = new Float64Array(size.reduce((n, m) => n * m, 1));
  const power = Math.max(a.power, b.power);
  for (const mass of [a, b]) add(mass, low, size, data, 2 ** (mass.power - power));
  return { low, size, data, lines: null, power, age: Math.max(a.age, b.age) };
}

/** Kept far from the largest float. @param {Part} mass @returns {Part} */
function scaled(mass) {
  if (mass.age < PATIENCE) return mass;
  let { power } = mass;
  const parts = (mass.lines ?? [written(mass)]).map((values) => {
    let most = 0;
    for (const value of values) if (value > most) most = value;
    if (most < 2 ** 200) return values;
    const shift = Math.floor(Math.log2(most));
    power += shift;
    return values.map((value) => value * 2 ** -shift);
  });
  return { ...mass, lines: mass.lines && parts, data: mass.lines ? null : parts[0], power, age: 0 };
}

/** @param {Part} mass @param {number[]} low @param {number[]} size @param {Float64Array} data @param {number} factor */
function add(mass, low, size, data, factor) {
  const values = written(mass);
  const last = size.length - 1;
  const width = mass.size[last];
  const lines = values.length / Math.max(width, 1);
  for (let line = 0; line < lines; line++) {
    let rest = line;
    let at = 0;
    let block = size[last];
    for (let axis = last - 1; axis >= 0; axis--) {
      at += ((rest % mass.size[axis]) + mass.low[axis] - low[axis]) * block;
      rest = Math.floor(rest / mass.size[axis]);
      block *= size[axis];
    }
    at += mass.low[last] - low[last];
    for (let j = 0; j < width; j++) data[at + j] += factor * values[line * width + j];
  }
}
