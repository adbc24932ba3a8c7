// A design with other kernels, strides, paddings or dilations, recomputed in the page: shapes, costs, relations,
// fields.

import { closedForms } from "./closed.js";
import { pull } from "./field.js";
import { boxAround, middle, onMap, seenBy, shownOf, writes } from "./network.js";
import { ShapeProblem, costOf, follow } from "./shapes.js";
import { times } from "./words.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./network.js").Layer} Layer */
/**
 * @typedef {{kernel?: number[], stride?: number[], dilation?: number[], padding?: number[]}} Sizes one number per axis
 */

/**
 * @typedef {{gates: boolean, channels: import("./sets.js").Factor[]}} Following which paths, and which sets of channels
 * may see differently
 */

const LETTERS = /** @type {Record<string, keyof Sizes>} */ ({ k: "kernel", s: "stride", d: "dilation", p: "padding" });
const MOST = 512;

/** Changes from the address: layer~k5~s2*layer~d2. @param {string} text @returns {Map<string, Sizes>} */
export function editsFrom(text) {
  return new Map(text.split("*").flatMap((part) => editFrom(part) ?? []));
}

/** Parts of an address that are no changes. @param {string} text @returns {string[]} */
export function noEditsIn(text) {
  return text.split("*").filter((part) => part && !editFrom(part));
}

/** One layer's change: nothing where any of it cannot be read. @param {string} part @returns {[[string, Sizes]] | null} */
function editFrom(part) {
  const [name, ...changes] = part.split("~");
  /** @type {Sizes} */
  const sizes = {};
  for (const change of changes) {
    const key = LETTERS[change[0]];
    const values = change.slice(1).split(".").map(Number);
    const isFit = values.every((n) => Number.isInteger(n) && n >= (key === "padding" ? 0 : 1) && n <= MOST);
    if (!key || !isFit || change.length < 2) return null;
    sizes[key] = values;
  }
  if (!changes.length) return null;
  try {
    return [[decodeURIComponent(name), sizes]];
  } catch {
    return null; // a name that is no text names no layer
  }
}

/** @param {Map<string, Sizes>} edits @returns {string} */
export function editsText(edits) {
  const letter = (/** @type {string} */ key) => Object.keys(LETTERS).find((each) => LETTERS[each] === key);
  return [...edits]
    .filter(([, sizes]) => Object.keys(sizes).length)
    .map(([name, sizes]) =>
      [
        encodeURIComponent(name).replace(/[*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`),
        ...Object.entries(sizes).map(
          ([key, values]) => letter(key) + (new Set(values).size === 1 ? String(values[0]) : values.join(".")),
        ),
      ].join("~"),
    )
    .join("*");
}

/** Whether a layer's window can be changed. @param {Layer} node */
export function canEdit(node) {
  return (node.form.type === "Conv" || node.form.type === "Pool") && node.reads.length === 1;
}

/**
 * A layer's window as one number per axis; uneven padding is null.
 * @param {Layer} node @returns {{kernel: number[], stride: number[], dilation: number[], padding: number[] | null}}
 */
export function sizesOf(node) {
  const slides = node.reads[0].relation.slides ?? [];
  const isEven = slides.every((slide) => slide.before === slide.after);
  return {
    kernel: slides.map((s) => s.kernel),
    stride: slides.map((s) => s.stride),
    dilation: slides.map((s) => s.dilation),
    padding: isEven ? slides.map((s) => s.before) : null,
  };
}

/**
 * The design with changes; layers whose shape cannot follow carry a `problem`.
 * @param {Design} design @param {string} text @returns {Design}
 */
export function edited(design, text) {
  const edits = editsFrom(text);
  if (![...edits.keys()].some((name) => design.index.has(name))) return design;
  /** @type {Layer[]} */
  const nodes = [];
  let first = "";
  design.nodes.forEach((node, at) => {
    const follower = at === design.input ? node : changed(node, design, nodes, edits.get(node.name));
    nodes.push(follower);
    if (follower.problem && !first) first = follower.problem;
  });
  const after = { ...design, nodes, problem: first };
  withFields(after, design);
  const sum = (/** @type {(node: Layer) => number} */ value) =>
    nodes.reduce((total, node, at) => total + (at === design.input ? 0 : value(node)), 0);
  const totals = {
    params: sum((n) => n.params),
    macs: sum((n) => n.macs),
    activations: sum(writes),
    peak_activations: null,
  };
  after.entry = { ...design.entry, totals, rules: rulesOf(after) };
  return after;
}

/**
 * @param {Layer} node @param {Design} design @param {Layer[]} nodes @param {Sizes | undefined} sizes @returns {Layer}
 */
function changed(node, design, nodes, sizes) {
  const sources = node.reads.map(({ source }) => source);
  const broken = sources.map((source) => nodes[source]).find((each) => each.problem);
  if (broken) return { ...node, problem: broken.problem, macs: 0 };
  const old = sources.map((source) => design.nodes[source].shape);
  const now = sources.map((source) => nodes[source].shape);
  const isTouched = (sizes && canEdit(node)) || sources.some((source) => nodes[source] !== design.nodes[source]);
  if (!isTouched) return node;
  const resized = sizes && canEdit(node) ? withSizes(node, sizes) : node;
  try {
    const result = follow({ node: resized, old, now });
    const { params, macs } = costOf(node, old, now, result);
    const form = resized.form;
    return {
      ...resized,
      form,
      shape: result.shape,
      params,
      macs,
      reads: node.reads.map((read, i) => ({ ...read, relation: result.relations[i] })),
      isChanged: true,
    };
  } catch (error) {
    if (error instanceof ShapeProblem) return { ...resized, problem: error.message, macs: 0 };
    throw error;
  }
}

/** @param {Layer} node @param {Sizes} sizes @returns {Layer} */
function withSizes(node, sizes) {
  const relation = node.reads[0].relation;
  const slides = (relation.slides ?? []).map((slide, i) => {
    const of = (/** @type {number[] | undefined} */ values, /** @type {number} */ usual) =>
      values ? (values[i] ?? values[0]) : usual;
    const padding = sizes.padding ? of(sizes.padding, 0) : null;
    return {
      ...slide,
      kernel: of(sizes.kernel, slide.kernel),
      stride: of(sizes.stride, slide.stride),
      dilation: of(sizes.dilation, slide.dilation),
      before: padding ?? slide.before,
      after: padding ?? slide.after,
    };
  });
  const one = (/** @type {string} */ sign, /** @type {number[]} */ values) =>
    values.every((n) => n === 1) ? "" : sign + (new Set(values).size === 1 ? values[0] : times(values));
  const head = node.form.type === "Conv" ? "conv" : node.words.split(" ").slice(0, 2).join(" ");
  const all = (/** @type {"kernel" | "stride" | "dilation"} */ key) => slides.map((slide) => slide[key]);
  const groups = node.form.groups > 1 ? ` g${node.form.groups}` : "";
  const words = `${head} ${times(all("kernel"))}${one("/", all("stride"))}${one(" d", all("dilation"))}${groups}`;
  return { ...node, words, isResized: true, reads: [{ ...node.reads[0], relation: { ...relation, slides } }] };
}

/** Put fields on the layers that a change reaches. @param {Design} design @param {Design} before */
function withFields(design, before) {
  const all = closedForms(design, true);
  const along = design.gates ? closedForms(design, false) : all;
  const classes = design.entry.apart ? channelClasses(design) : null;
  design.nodes.forEach((node, at) => {
    if (node === before.nodes[at]) return;
    if (node.problem) Object.assign(node, { field: { size: [] }, data: { size: [] }, why: [] });
    else
      Object.assign(node, {
        field: fieldOf(design, at, all[at], { gates: true, channels: classes?.[at] ?? [null] }),
        data: fieldOf(design, at, along[at], { gates: false, channels: classes?.[at] ?? [null] }),
        why: [],
      });
  });
}

/**
 * @param {Design} design @param {number} at @param {import("./closed.js").Form[]} forms @param {Following} following
 * @returns {import("./network.js").Field}
 */
function fieldOf(design, at, forms, { gates, channels }) {
  const { nodes, extent } = design;
  const isBound = nodes[at].field.bound;
  const bound = isBound ? /** @type {const} */ (1) : undefined;
  if (forms.some((form) => form === null)) {
    const box = boxAround(onMap(design, design.input, seenBy(design, at, middle(design, at), gates)[design.input]));
    return { size: box ? box.map(([a, b]) => b - a + 1) : extent.map(() => 0), irregular: 1, bound };
  }
  if (forms.some((form) => form?.apart)) {
    return { size: forms.map((form) => (form ? (form.apart ?? form.high - form.low + 1) : 0)), irregular: 1, bound };
  }
  const size = forms.map((form) => (form ? form.high - form.low + 1 : 0));
  const isWide = size.every((n, axis) => n >= extent[axis]);
  const stride = forms.some((form) => form?.step) ? forms.map((form) => form?.step ?? null) : undefined;
  return {
    size,
    stride,
    start: stride && forms.map((form) => (form?.step ? form.low : null)),
    bound,
    global: isWide && seesAll(design, at, { gates, channels }) ? 1 : undefined,
  };
}

/**
 * Whether the units at every position along each axis see the whole image, in each channel. Dilated kernels jump over
 * what their neighbours see, so that every position is asked.
 * @param {Design} design @param {number} at @param {Following} following
 */
function seesAll(design, at, { gates, channels }) {
  const { places, shape } = design.nodes[at];
  return channels.every((set) =>
    places.every((place, axis) => {
      for (let i = 0; i < (place === null ? 1 : shape[place]); i++) {
        /** @type {import("./sets.js").Factor[]} */
        const product = shape.map(() => null);
        if (set) product[1] = set;
        if (place !== null && shape[place] > 1) product[place] = [i, i];
        const box = boxAround(onMap(design, design.input, pull(design.nodes, at, [product], gates)[design.input]));
        if (!box || box[axis][0] > 0 || box[axis][1] < design.extent[axis] - 1) return false;
      }
      return true;
    }),
  );
}

/** For each layer, sets of channels that may see differently: those that a concatenation brings together, until a
 *  layer reads all of them. @param {Design} design @returns {import("./sets.js").Factor[][]} */
function channelClasses(design) {
  /** @type {import("./sets.js").Factor[][]} */
  const classes = [];
  for (const node of design.nodes) {
    /** @type {Map<string, import("./sets.js").Factor>} */
    const apart = new Map();
    for (const { source, relation } of node.reads) {
      for (const channels of classes[source] ?? [null]) {
        for (const set of channelsAfter(relation, channels, design.nodes[source].shape, node.shape))
          if (set) apart.set(set.join(), set);
      }
    }
    classes.push(apart.size ? [...apart.values()] : [null]);
  }
  return classes;
}

/**
 * @param {import("./field.js").Relation} relation @param {import("./sets.js").Factor} channels @param {number[]} before
 * @param {number[]} after
 * @returns {import("./sets.js").Factor[]}
 */
function channelsAfter({ kind, axis, offset = 0, groups, axes }, channels, before, after) {
  if (kind === "concat" && axis === 1) return [(channels ?? [0, before[1] - 1]).map((n) => n + offset)];
  if (!channels || before.length !== after.length) return [];
  if (kind === "window" && groups != null && groups > 1) {
    const a = before[1] / groups;
    const b = after[1] / groups;
    const [first, last] = [channels[0], channels[channels.length - 1]].map((n) => Math.floor(n / a));
    if (a === 1) return [[first * b, last * b + b - 1]];
    return Array.from({ length: last - first + 1 }, (_, group) => [(first + group) * b, (first + group) * b + b - 1]);
  }
  const keeps =
    kind === "elementwise" || kind === "taps" || (kind === "window" && groups == null && !axes?.includes(1));
  return keeps && before[1] === after[1] ? [channels] : [];
}

/** Where every unit sees the whole image from, by the line's first layer. @param {Design} design */
function rulesOf(design) {
  let first = null;
  for (const line of [...design.lines].reverse()) {
    const shown = design.nodes[shownOf(line)];
    if (!shown.field.global) break;
    first = line;
  }
  return first ? { [first.layers[0]]: "from here on every unit sees the whole image" } : {};
}
