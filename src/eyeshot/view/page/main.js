// The page: one selection, and panels that show it.

import { boxHolding } from "./box.js";
import { comparePanel, sign } from "./compare.js";
import { claimsPanel } from "./claims.js";
import { chips, offer } from "./controls.js";
import { costPanel } from "./cost.js";
import { dataPanel } from "./data.js";
import { decidePanel } from "./decidetab.js";
import { edited } from "./edit.js";
import { chosen, effectivePanel } from "./effective.js";
import { fill, h, whenColoursChange } from "./dom.js";
import { fieldTab } from "./fieldtab.js";
import { matchingAxes, readBy, readersOf } from "./field.js";
import { graphPanel } from "./graph.js";
import { holding, trying } from "./held.js";
import { ledgerPanel } from "./ledger.js";
import { measuredOf, overUnit } from "./measured.js";
import { density } from "./density.js";
import { estimator } from "./estimate.js";
import { area, bands, boxAround, designFrom, middle, onMap, seenBy, seersOf } from "./network.js";
import { actionsOf } from "./selection.js";
import { windowCount } from "./shapes.js";
import { outputsPanel } from "./outputs.js";
import { sentencePanel } from "./sentence.js";
import { width } from "./spread.js";
import { steppersPanel } from "./steppers.js";
import { addressWriter, fromFragment, startOf, toFragment } from "./state.js";
import { tabsOf } from "./tabs.js";
import { tilesAlong, workOf } from "./tiles.js";
import { tilesPanel } from "./tilestab.js";
import { viewOf } from "./view.js";
import { whyPanel } from "./why.js";
import { shortened } from "./words.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./state.js").State} State */

/**
 * Build the page from its document.
 * @param {import("./document.js").PageDocument} page @param {HTMLElement} place @param {HTMLImageElement | null} image
 */
export function show(page, place, image) {
  const designs = page.designs.map(designFrom);
  const designOf = trying(designs);
  const opened = fromFragment(location.hash, designs, designOf);
  const write = addressWriter();
  const held = holding(opened.state, designOf, draw);
  const { set, look, due } = held;
  const actions = {
    ...actionsOf(() => held.state, set, look, designOf),
    choose: (
      /** @type {number} */ design,
      /** @type {number | undefined} */ layer = undefined,
      /** @type {number[] | undefined} */ unit = undefined,
    ) => {
      const next = startOf(designs, design, held.state.tab);
      set({ ...next, layer: layer ?? next.layer, unit: unit ?? middle(designs[design], layer ?? next.layer) });
    },
  };
  const sentence = sentencePanel(opened.complaints);
  const ledger = ledgerPanel(actions);
  const outputs = outputsPanel(actions);
  const header = headerOf(designs, actions.choose, (gates) => set({ gates }));
  const tabs = tabsOf(
    [
      { id: "field", name: "Field", panel: fieldTab(actions, image, steppersPanel(actions, designs)) },
      { id: "effective", name: "Effective", panel: effectivePanel(page, actions) },
      { id: "cost", name: "Cost", panel: costPanel(actions) },
      { id: "compare", name: "Compare", panel: comparePanel(page, designs, actions) },
      { id: "why", name: "Why", panel: whyPanel(actions) },
      { id: "graph", name: "Graph", panel: graphPanel(actions) },
      ...(page.designs.some(({ decide }) => decide)
        ? [{ id: "decide", name: "Decide", panel: decidePanel(actions) }]
        : []),
      ...(page.designs.some(({ tiles }) => tiles) ? [{ id: "tiles", name: "Tiles", panel: tilesPanel() }] : []),
      ...(page.designs.some(({ published }) => published)
        ? [{ id: "claims", name: "Claims", panel: claimsPanel(page, actions) }]
        : []),
      { id: "data", name: "Data", panel: dataPanel(page) },
    ],
    (tab) => set({ tab }),
  );
  fill(
    place,
    header.root,
    sentence.root,
    h("div", { class: "split" }, h("div", null, ledger.root, outputs.root), tabs.root),
  );

  const estimate = estimator(due);
  /** The effective field of a unit: the measured one that is chosen, where there is one, else its path density.
   *  @param {Design} design @param {number} at @param {number[]} unit */
  function useOf(design, at, unit) {
    const maps = held.state.edits ? [] : measuredOf(page.effective, design, design.nodes[at].name);
    const which = chosen(held.state.use, maps.length);
    const measured = which === "-" ? null : overUnit(maps[Number(which)], design, at, unit);
    return measured ?? estimate(design, `${held.state.design} ${held.state.edits}`, at, unit);
  }

  /** @param {State} shown @param {boolean} isPreview */
  function draw(shown, isPreview) {
    const view = viewOf(shown, designOf(shown.design, shown.edits), isPreview, useOf);
    header.update(view);
    sentence.update(view);
    ledger.update(view);
    outputs.update(view);
    tabs.update(view);
    if (!isPreview) write(toFragment(shown, designs));
  }
  addEventListener("hashchange", () => {
    if (location.hash === toFragment(held.state, designs)) return;
    const asked = fromFragment(location.hash, designs, designOf);
    sentence.complain(asked.complaints);
    set(asked.state);
  });
  whenColoursChange(due);
  held.render();
  // For the console, and for whoever builds upon the page: the arithmetic, and the selection.
  return {
    designs,
    get state() {
      return held.state;
    },
    set,
    look,
    render: held.render,
    arithmetic: {
      area,
      bands,
      boxAround,
      boxHolding,
      density,
      designFrom,
      edited,
      matchingAxes,
      onMap,
      readBy,
      readersOf,
      seenBy,
      seersOf,
      tilesAlong,
      width,
      windowCount,
      workOf,
    },
  };
}

const PATHS = /** @type {Array<[boolean, string, string]>} */ ([
  [true, "all paths", "gates and statistics included"],
  [false, "data path", "without gates (squeeze-excitation) and statistics"],
]);

/** @param {Design[]} designs @param {(design: number) => void} choose @param {(gates: boolean) => void} setGates */
function headerOf(designs, choose, setGates) {
  const tabs = chips("Design", "designs");
  const paths = chips("Paths that count", "designs");
  const root = h(
    "header",
    { class: "top" },
    h("h1", null, h("span", { class: "mark", "aria-hidden": "true" }), "eyeshot"),
    tabs,
    paths,
  );
  const answers = designs.map(({ name }, i) => {
    return /** @type {const} */ ([i, [sign(i), " ", shortened(name, 48)], name]);
  });
  /** @param {import("./view.js").View} view */
  function update(view) {
    if (view.isPreview) return;
    if (designs.length > 1) offer(tabs, answers, view.state.design, choose);
    else fill(tabs, h("span", { class: "design-name", title: designs[0].name }, shortened(designs[0].name, 48)));
    offer(paths, view.design.gates ? PATHS : [], view.state.gates, setGates);
  }
  return { root, update };
}

/** Start when the document is there; what goes wrong is said in the page. */
export async function start() {
  const place = /** @type {HTMLElement} */ (document.getElementById("eyeshot"));
  try {
    /** @type {import("./document.js").PageDocument} */
    const page = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("eyeshot-document")).textContent ?? "");
    if (page.schema !== "eyeshot.page/1")
      throw new Error(`this page reads eyeshot.page/1, the document is ${page.schema}`);
    const image = page.image ? await loaded(page.image) : null;
    Object.assign(globalThis, { eyeshot: show(page, place, image) });
    place.removeAttribute("aria-busy");
  } catch (error) {
    fill(
      place,
      h(
        "p",
        { class: "complaint", role: "alert" },
        `The page could not be shown: ${error instanceof Error ? error.message : error}`,
      ),
    );
    throw error;
  }
}

/** @param {string} source @returns {Promise<HTMLImageElement | null>} */
async function loaded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

start();
