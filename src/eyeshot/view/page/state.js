// What is selected, kept in the URL fragment by name, so that a link or a bookmark shows the same.

import { canEdit, editsFrom, editsText, noEditsIn } from "./edit.js";
import { mapSize, middle } from "./network.js";

/** @typedef {import("./network.js").Design} Design */

/** What a link may say. */
const KEYS = ["design", "layer", "unit", "point", "tab", "paths", "axis", "zoom", "use", "edit", "move"];
const TABS = ["field", "effective", "cost", "compare", "why", "graph", "decide", "tiles", "claims", "data"];
/** Views that are there where a design has what they show. */
const ASKED = /** @type {const} */ (["decide", "tiles", "published"]);

/**
 * @typedef {object} State
 * @property {number} design
 * @property {number} layer index of the layer
 * @property {number[]} unit one index per axis
 * @property {number[] | null} point a pixel whose readers are shown, instead of a unit's field
 * @property {string} tab
 * @property {boolean} gates whether dependence through gates and statistics counts
 * @property {number} axis the axis along which the cone is drawn
 * @property {string} edits changes tried, see edit.js
 * @property {string} move whose before and after is shown; "" for none
 * @property {boolean} zoom whether the picture shows what is seen, not the whole image
 * @property {string} use which effective field: "" the first measured one if any, "-" path density, or its number
 */

/**
 * The state that a design opens with.
 * @param {Design[]} designs @param {number} design @param {string} tab @returns {State}
 */
export function startOf(designs, design, tab) {
  const chosen = designs[design];
  const layer = chosen.entry.start;
  const node = chosen.nodes[layer];
  const gates = !(node.field.global && !node.data.global);
  return {
    design,
    layer,
    unit: middle(chosen, layer),
    point: null,
    tab,
    gates,
    axis: chosen.axes.length - 1,
    edits: "",
    move: "",
    use: "",
    zoom: false,
  };
}

/**
 * The state as a fragment; only what differs from the start is written.
 * @param {State} state @param {Design[]} designs
 */
export function toFragment(state, designs) {
  const design = designs[state.design];
  const start = startOf(designs, state.design, "field");
  /** @type {Array<[string, string]>} */
  const parts = [];
  if (state.design) parts.push(["design", nameOf(designs, state.design)]);
  parts.push(["layer", design.nodes[state.layer].name]);
  if (state.point) parts.push(["point", state.point.join()]);
  else parts.push(["unit", state.unit.join()]);
  if (state.tab !== "field") parts.push(["tab", state.tab]);
  if (state.gates !== start.gates) parts.push(["paths", state.gates ? "all" : "data"]);
  if (state.axis !== start.axis) parts.push(["axis", String(state.axis)]);
  if (state.zoom) parts.push(["zoom", "1"]);
  if (state.use) parts.push(["use", state.use]);
  if (state.edits) parts.push(["edit", state.edits]);
  if (state.move) parts.push(["move", state.move]);
  return `#${parts.map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%2C/g, ",")}`).join("&")}`;
}

/** @param {Design[]} designs @param {number} at @returns {string} */
function nameOf(designs, at) {
  const { name } = designs[at];
  return designs.filter((design) => design.name === name).length > 1 ? String(at + 1) : name;
}

/**
 * The state that a fragment asks for, and what of it there is not.
 * @param {string} fragment @param {Design[]} designs @param {(at: number, edits: string) => Design} editedDesign
 * @returns {{state: State, complaints: string[]}}
 */
export function fromFragment(fragment, designs, editedDesign) {
  const asked = new URLSearchParams(fragment.replace(/^#/, "").replace(/\+/g, "%2B"));
  /** @type {string[]} */
  const complaints = [];
  let at = 0;
  const wanted = asked.get("design");
  if (wanted) {
    at = designs.findIndex((_, i) => nameOf(designs, i) === wanted);
    if (at < 0) {
      complaints.push(`no design is called ${wanted}`);
      at = 0;
    }
  }
  for (const key of asked.keys()) if (!KEYS.includes(key)) complaints.push(`nothing is called ${key}`);
  const tab = asked.get("tab") ?? "field";
  const asks = ASKED.find((name) => name === (tab === "claims" ? "published" : tab));
  const isThere = TABS.includes(tab) && (!asks || designs.some(({ entry }) => entry[asks]));
  if (!isThere) complaints.push(`no view is called ${tab}`);
  const state = startOf(designs, at, isThere ? tab : "field");
  state.edits = editsOf(asked.get("edit") ?? "", designs[at], complaints);
  const design = editedDesign(at, state.edits);
  const layer = asked.get("layer");
  if (layer !== null) {
    const index = design.index.get(layer) ?? design.modules.get(layer);
    if (index === undefined || index === design.input) complaints.push(`${design.name} has no layer ${layer}`);
    else {
      state.layer = index;
      state.unit = middle(design, index);
    }
  }
  const unit = positionOf(asked.get("unit"), mapSize(design, state.layer));
  if (unit) state.unit = unit;
  else if (asked.has("unit")) complaints.push(`${design.nodes[state.layer].name} has no unit ${asked.get("unit")}`);
  state.point = positionOf(asked.get("point"), design.extent);
  if (asked.has("point") && !state.point) complaints.push(`the image has no pixel ${asked.get("point")}`);
  /** @param {string} key @param {string[]} answers @param {string} usual */
  const answer = (key, answers, usual) => {
    const text = asked.get(key) ?? usual;
    if (answers.includes(text)) return text;
    complaints.push(`${key} is ${answers.join(" or ")}, not ${text}`);
    return usual;
  };
  state.zoom = answer("zoom", ["0", "1"], "0") === "1";
  state.gates = answer("paths", ["all", "data"], state.gates ? "all" : "data") === "all";
  state.use = asked.get("use") ?? "";
  if (!/^(|-|[0-9]+)$/.test(state.use)) {
    complaints.push(`no effective field is called ${state.use}`);
    state.use = "";
  }
  state.move = asked.get("move") ?? "";
  if (state.move && !design.entry.decide?.moves.some(({ move }) => move === state.move)) {
    complaints.push(`no move ${state.move} was made of ${design.name}`);
    state.move = "";
  }
  const axis = Number(asked.get("axis") ?? state.axis);
  if (design.axes[axis] !== undefined) state.axis = axis;
  else complaints.push(`the image has no axis ${asked.get("axis")}`);
  return { state, complaints };
}

/**
 * Those of the changes asked for that can be made.
 * @param {string} text @param {Design} design @param {string[]} complaints grows by what cannot @returns {string}
 */
function editsOf(text, design, complaints) {
  for (const part of noEditsIn(text)) complaints.push(`${part} is no change`);
  const edits = editsFrom(text);
  for (const name of [...edits.keys()]) {
    const at = design.index.get(name);
    if (at !== undefined && canEdit(design.nodes[at])) continue;
    complaints.push(
      at === undefined ? `${design.name} has no layer ${name} to change` : `${name} has no window to change`,
    );
    edits.delete(name);
  }
  return editsText(edits);
}

/** @param {string | null} text @param {number[]} sizes @returns {number[] | null} */
function positionOf(text, sizes) {
  if (!text) return null;
  const at = text.split(",").map(Number);
  return at.length === sizes.length && at.every((n, axis) => Number.isInteger(n) && n >= 0 && n < sizes[axis])
    ? at
    : null;
}

/**
 * Writes fragments where the frame lets one, once what they name is drawn: the browser takes milliseconds for each.
 * Frames without an address of their own throw.
 * @returns {(fragment: string) => void}
 */
export function addressWriter() {
  let isDue = false;
  let isRefused = false;
  let last = "";
  function write() {
    isDue = false;
    if (last === location.hash) return;
    try {
      history.replaceState(null, "", last);
    } catch {
      isRefused = true;
    }
  }
  return (fragment) => {
    last = fragment;
    if (isDue || isRefused) return;
    isDue = true;
    setTimeout(write, 0);
  };
}
