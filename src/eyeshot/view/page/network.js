// A design as the page holds it: nodes with their relations, and what one selects of them.

import { count, written } from "./sets.js";
import { pull, push, unite } from "./field.js";

/** @typedef {import("./sets.js").Factor} Factor */
/** @typedef {import("./sets.js").Positions} Positions */
/** @typedef {import("./field.js").Product} Product */
/** @typedef {import("./field.js").Mark} Mark */
/** @typedef {import("./field.js").Relation} Relation */
/** @typedef {import("./field.js").Read} Read */

/**
 * @typedef {object} Field
 * @property {number[]} size pixels per axis on an endless image
 * @property {Array<number | null>} [stride] input pixels per step
 * @property {Array<number | null>} [start] first pixel of unit 0's field
 * @property {1} [irregular] units differ
 * @property {1} [global] every unit sees the whole image
 * @property {1} [bound] only a bound from above
 * @property {Array<"before" | "after" | null>} [sides] where each unit sees all on one side of its place
 */

/** @typedef {import("./document.js").Why} Why */

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string} op
 * @property {string} words
 * @property {number[]} shape
 * @property {Read[]} reads
 * @property {Array<number | null>} places the tensor's axis of each axis of the image
 * @property {Required<import("./document.js").OpForm>} form
 * @property {number} params
 * @property {number} macs
 * @property {Field} field
 * @property {Field} data the same along the data path
 * @property {Why[]} why the recurrence's step, per axis or once for all
 * @property {Why[]} dataWhy the same along the data path
 * @property {[number, number] | null} gate where a gate first shows the whole image, and which layer reads it for that
 * @property {boolean} isView whether it writes nothing, since it only shows what lies there
 * @property {number} units how many units lie otherwise than on a map, as tokens do; 0 for maps
 * @property {boolean} [isChanged] a change in the page reaches it
 * @property {boolean} [isResized] its own window was changed
 * @property {string} [problem] why a change leaves it without a shape
 */

/**
 * @typedef {object} Design
 * @property {string} name
 * @property {string} source
 * @property {Layer[]} nodes
 * @property {number} input
 * @property {number[]} axes
 * @property {number[]} extent the image's size per axis
 * @property {import("./document.js").LineEntry[]} lines
 * @property {Map<string, number>} index
 * @property {Map<string, number>} modules the layers that make what modules give
 * @property {boolean} gates
 * @property {import("./document.js").DesignEntry} entry what the document holds of it
 * @property {string} [problem] why the network no longer fits together after a change
 */

/** What an op is whose document does not say otherwise. @type {Required<import("./document.js").OpForm>} */
const USUAL = {
  type: "",
  name: "",
  mode: "",
  groups: 1,
  axis: 0,
  shift: 0,
  step: 1,
  size: [],
  padding: [],
  steps: [],
  bias: false,
  ceil: false,
  aligned: false,
  antialiased: false,
};

/** A design from the document. @param {import("./document.js").DesignEntry} entry @returns {Design} */
export function designFrom(entry) {
  const relations = entry.relations.map(relationFrom);
  /** Equal shapes are one array: what changes none is known by it. @type {Map<string, number[]>} */
  const shapes = new Map();
  const shared = (/** @type {number[]} */ shape) => {
    const known = shapes.get(shape.join()) ?? shape;
    shapes.set(shape.join(), known);
    return known;
  };
  const nodes = entry.nodes.map((node) => {
    const field = fieldFrom(node);
    return {
      name: node.name,
      op: node.op,
      words: node.words,
      shape: shared(node.shape),
      places: node.places,
      form: { ...USUAL, ...node.form },
      params: node.params ?? 0,
      macs: node.macs ?? 0,
      why: node.why ?? [],
      dataWhy: node.data_why ?? node.why ?? [],
      gate: node.gate ?? null,
      isView: Boolean(node.view),
      units: node.units ?? 0,
      field,
      data: node.data ? fieldFrom(node.data) : field,
      reads: node.reads.map(([source, number, gate]) => ({ source, relation: relations[number], gate: Boolean(gate) })),
    };
  });
  const input = nodes[entry.input];
  return {
    name: entry.name,
    source: entry.source,
    nodes,
    input: entry.input,
    axes: entry.axes,
    lines: entry.lines,
    extent: entry.axes.map((axis) => input.shape[axis]),
    index: new Map(nodes.map((node, i) => [node.name, i])),
    modules: new Map(Object.entries(entry.modules ?? {})),
    gates: entry.gates,
    entry,
  };
}

/** @param {import("./document.js").FieldEntry} entry @returns {Field} */
function fieldFrom(entry) {
  const { size = [], stride, start, irregular, global, bound, sides } = entry;
  return { size, stride, start, irregular, global, bound, sides };
}

/** @param {import("./document.js").RelationEntry} entry @returns {Relation} */
function relationFrom(entry) {
  const { kind, axes, kernel, groups, axis, offset, order, keep } = entry;
  if (kind === "window") {
    const slides = (kernel ?? []).map((k, i) => ({
      kernel: k,
      stride: entry.stride?.[i] ?? 1,
      dilation: entry.dilation?.[i] ?? 1,
      before: entry.padding?.[i][0] ?? 0,
      after: entry.padding?.[i][1] ?? 0,
      base: entry.base?.[i] ?? 1,
    }));
    return { kind, axes, slides, groups: groups ?? null, runs: Boolean(entry.runs) };
  }
  if (kind === "taps") {
    const reads = (entry.reads ?? []).map((taps) => taps.map((tap) => (typeof tap === "number" ? [tap, tap] : tap)));
    return { kind, axes, reads };
  }
  return { kind, axes, axis, offset, order, keep, groups };
}

/**
 * The layer that stands for a line of the ledger.
 * @param {{layers: number[], blocks?: number}} line @returns {number}
 */
export const shownOf = ({ layers, blocks }) => layers[blocks ? layers.length - 1 : 0];

/** Whether a layer slides a window of its own over positions. @param {Layer} layer @returns {boolean} */
export const isSliding = ({ form }) => ["Conv", "ConvTranspose", "Pool"].includes(form.type);

/** Elements that a layer writes. @param {Layer} layer @returns {number} */
export function writes({ shape, isView }) {
  return isView ? 0 : shape.reduce((a, b) => a * b, 1);
}

/**
 * Number of units of a layer along each axis of the image; 1 where it has no such axis.
 * @param {Design} design @param {number} at @returns {number[]}
 */
export function mapSize(design, at) {
  const { places, shape } = design.nodes[at];
  return places.map((place) => (place === null ? 1 : shape[place]));
}

/** The unit at the middle of a layer. @param {Design} design @param {number} at @returns {number[]} */
export function middle(design, at) {
  return mapSize(design, at).map((n) => Math.floor(n / 2));
}

/**
 * The mark on one unit of a layer, over all its channels.
 * @param {Design} design @param {number} at @param {number[]} unit @returns {Mark}
 */
function unitMark(design, at, unit) {
  const { places, shape } = design.nodes[at];
  /** @type {Product} */
  const product = shape.map(() => null);
  places.forEach((place, axis) => {
    if (place !== null && shape[place] > 1) product[place] = [unit[axis], unit[axis]];
  });
  return [product];
}

/**
 * Everything a unit sees, in every layer before it.
 * @param {Design} design @param {number} at @param {number[]} unit @param {boolean} gates
 */
export function seenBy(design, at, unit, gates) {
  return pull(design.nodes, at, unitMark(design, at, unit), gates);
}

/**
 * Everything that sees a point of the image, in every layer after it.
 * @param {Design} design @param {number[]} point @param {boolean} gates
 */
export function seersOf(design, point, gates) {
  return push(design.nodes, design.input, unitMark(design, design.input, point), gates);
}

/**
 * A mark on a layer as products over the image's axes alone, written out: what some channel of it has.
 * @param {Design} design @param {number} at @param {Mark | undefined} mark @returns {Positions[][]}
 */
export function onMap(design, at, mark) {
  if (!mark || !mark.length) return [];
  const { places, shape } = design.nodes[at];
  const flat = mark.map((product) => places.map((place) => (place === null ? null : product[place])));
  const sizes = mapSize(design, at);
  return (flat.length > 1 ? unite(flat, []) : flat).map((product) =>
    product.map((factor, axis) => written(factor, sizes[axis])),
  );
}

/**
 * The smallest box around products, an inclusive range per axis; null where there is nothing.
 * @param {Positions[][]} products @returns {Array<[number, number]> | null}
 */
export function boxAround(products) {
  if (!products.length) return null;
  return products[0].map((_, axis) => [
    Math.min(...products.map((product) => product[axis][0])),
    Math.max(...products.map((product) => /** @type {number} */ (product[axis].at(-1)))),
  ]);
}

/** Number of positions in a union of products. @param {Positions[][]} products @returns {number} */
export function area(products) {
  if (products.length === 1) return products[0].reduce((n, set) => n * count(set), 1);
  return bands(products).reduce((sum, band) => sum + band.reduce((n, set) => n * count(set), 1), 0);
}

/**
 * The same union as disjoint products: positions along the first axis are grouped by what they hold of the others.
 * @param {Positions[][]} products @returns {Positions[][]}
 */
export function bands(products) {
  if (products.length < 2) return products;
  if (products[0].length === 1) return unite(products, []).map((product) => /** @type {Positions[]} */ (product));
  /** @type {Map<string, {rows: number[], rest: Positions[][]}>} */
  const groups = new Map();
  const edges = [...new Set(products.flatMap(([rows]) => rows.map((end, i) => (i % 2 ? end + 1 : end))))].sort(
    (a, b) => a - b,
  );
  for (let i = 0; i + 1 < edges.length; i++) {
    const holding = products.filter(([rows]) => isIn(rows, edges[i]));
    if (!holding.length) continue;
    const key = holding.map((product) => products.indexOf(product)).join();
    const known = groups.get(key);
    if (known) known.rows.push(edges[i], edges[i + 1] - 1);
    else
      groups.set(key, { rows: [edges[i], edges[i + 1] - 1], rest: bands(holding.map((product) => product.slice(1))) });
  }
  return [...groups.values()].flatMap(({ rows, rest }) => rest.map((tail) => [rows, ...tail]));
}

/** @param {Positions} set @param {number} at @returns {boolean} */
function isIn(set, at) {
  for (let i = 0; i < set.length; i += 2) if (at >= set[i] && at <= set[i + 1]) return true;
  return false;
}
