// The lesson: an article that is whole without scripts, and on each step's stage its designs are tried.

import { chips, offer } from "./controls.js";
import { costPanel } from "./cost.js";
import { forgetColours, h } from "./dom.js";
import { edited } from "./edit.js";
import { estimator } from "./estimate.js";
import { fieldTab } from "./fieldtab.js";
import { ledgerPanel } from "./ledger.js";
import { designFrom } from "./network.js";
import { actionsOf, inside } from "./selection.js";
import { sentencePanel } from "./sentence.js";
import { startOf } from "./state.js";
import { steppersPanel } from "./steppers.js";
import { tabsOf } from "./tabs.js";
import { viewOf } from "./view.js";
import { whyPanel } from "./why.js";

/** @typedef {import("./state.js").State} State */

/**
 * A step's stage: one selection of one of its designs, shown as the explorer page shows it, with a small ledger.
 * @param {import("./network.js").Design[]} designs of all steps @param {Array<{design: number, name: string}>} choices
 */
function stageOf(designs, choices) {
  const [{ design: first }] = choices;
  /** @type {State} */
  let state = startOf(designs, first, "field");
  /** @type {Partial<State> | null} */
  let preview = null;
  let isDue = false;
  let tried = { key: "", design: designs[first] };

  /** @param {number} at @param {string} edits */
  function designAt(at, edits) {
    const key = `${at} ${edits}`;
    if (tried.key !== key) tried = { key, design: edits ? edited(designs[at], edits) : designs[at] };
    return tried.design;
  }
  /** @param {State} of */
  const designOf = (of) => designAt(of.design, of.edits);
  /** @param {Partial<State>} change */
  function set(change) {
    const next = { ...state, ...change };
    state = inside(next, designOf(next));
    preview = null;
    due();
  }
  /** @param {Partial<State> | null} change */
  function look(change) {
    if (!change && !preview) return;
    preview = change;
    due();
  }
  function due() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      render();
    });
  }
  const actions = {
    ...actionsOf(() => state, set, look, designAt),
    choose: (/** @type {number} */ design) => set(startOf(designs, design, state.tab)),
  };
  const chosen = chips("Design to try");
  const answers = choices.map(({ design, name }) => /** @type {const} */ ([design, name]));
  const sentence = sentencePanel();
  const ledger = ledgerPanel(actions);
  const tabs = tabsOf(
    [
      { id: "field", name: "Field", panel: fieldTab(actions, null, steppersPanel(actions, designs, startIn)) },
      { id: "cost", name: "Cost", panel: costPanel(actions) },
      { id: "why", name: "Why", panel: whyPanel(actions) },
    ],
    (tab) => set({ tab }),
  );
  const split = h("div", { class: "split" }, ledger.root, tabs.root);
  const root = h("div", { class: "stage" }, choices.length > 1 ? chosen : null, sentence.root, split);
  const estimate = estimator(due);

  function render() {
    const shown = preview ? { ...state, ...preview } : state;
    const view = viewOf(shown, designOf(shown), preview !== null, (design, at, unit) =>
      estimate(design, `${state.design} ${state.edits}`, at, unit),
    );
    if (!preview) offer(chosen, answers, state.design, actions.choose);
    sentence.update(view);
    ledger.update(view);
    tabs.update(view);
  }
  return {
    root,
    designs,
    get state() {
      return state;
    },
    set,
    render,
  };
}

/** The layer that an exercise watches: the one that the stage opens with. */
const startIn = (/** @type {import("./network.js").Design} */ design) => design.entry.start;

/**
 * Give what has an id on one stage another on each, so that labels lead to their own controls; its regions are of a step.
 * @param {HTMLElement} root @param {string} name @param {string} step
 */
function setApart(root, name, step) {
  for (const region of root.querySelectorAll("section, [role=region]")) {
    region.setAttribute("aria-label", `${region.getAttribute("aria-label")}: ${step}`);
  }
  for (const attribute of ["id", "aria-controls", "aria-labelledby", "aria-describedby"]) {
    for (const element of root.querySelectorAll(`[${attribute}]`)) {
      element.setAttribute(attribute, `${name}-${element.getAttribute(attribute)}`);
    }
  }
}

/** Start when the document is there; the article stays as it is where that fails. */
function start() {
  const page = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("eyeshot-document")).textContent ?? "");
  /** @type {import("./network.js").Design[]} */
  const designs = page.designs.map(designFrom);
  /** @type {Record<string, ReturnType<typeof stageOf>>} */
  const stages = {};
  for (const slot of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-choices]"))) {
    const stage = stageOf(designs, JSON.parse(slot.dataset.choices ?? "[]"));
    const step = /** @type {HTMLElement} */ (slot.closest("section"));
    const name = step.id;
    stages[name] = stage;
    setApart(stage.root, name, step.querySelector("h2")?.textContent ?? name);
    slot.append(stage.root);
    slot.hidden = false;
    stage.render();
  }
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", () => {
      forgetColours();
      for (const stage of Object.values(stages)) stage.set({});
    });
  }
  Object.assign(globalThis, { eyeshot: { designs, stages } });
}

start();
