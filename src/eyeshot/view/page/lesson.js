// The lesson: an article that is whole without scripts, and one stage on which the designs of its steps are tried.

import { costPanel } from "./cost.js";
import { fill, h } from "./dom.js";
import { edited } from "./edit.js";
import { estimator } from "./estimate.js";
import { fieldTab } from "./fieldtab.js";
import { designFrom } from "./network.js";
import { actionsOf, inside } from "./selection.js";
import { sentencePanel } from "./sentence.js";
import { startOf } from "./state.js";
import { steppersPanel } from "./steppers.js";
import { tabsOf } from "./tabs.js";
import { viewOf } from "./view.js";
import { whyPanel } from "./why.js";

/** @typedef {import("./state.js").State} State */

/** The stage: one selection of one design, shown as the explorer page shows it. @param {any} given */
export function stageOf(given) {
  const designs = given.designs.map(designFrom);
  /** @type {State} */
  let state = startOf(designs, 0, "field");
  /** @type {Partial<State> | null} */
  let preview = null;
  let isDue = false;
  let tried = { key: "", design: designs[0] };

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
  const sentence = sentencePanel({ complaints: [] });
  const tabs = tabsOf(
    [
      { id: "field", name: "Field", panel: fieldTab(actions, null, steppersPanel(actions, given.designs)) },
      { id: "cost", name: "Cost", panel: costPanel(actions) },
      { id: "why", name: "Why", panel: whyPanel(actions) },
    ],
    (tab) => set({ tab }),
  );
  const root = h("div", { class: "stage" }, sentence.root, tabs.root);
  const estimate = estimator(due);

  function render() {
    const shown = preview ? { ...state, ...preview } : state;
    const view = viewOf(shown, designOf(shown), preview !== null, (design, at, unit) =>
      estimate(design, `${state.design} ${state.edits}`, at, unit),
    );
    sentence.update(view);
    tabs.update(view);
  }
  return {
    root,
    designs,
    get state() {
      return state;
    },
    set,
    choose: actions.choose,
  };
}

/**
 * A step's buttons, one a design; the pressed one has the stage below it.
 * @param {HTMLElement} slot @param {any} stage @param {() => void} changed
 */
function slotOf(slot, stage, changed) {
  const choices = JSON.parse(slot.dataset.choices ?? "[]");
  const host = h("div");
  const buttons = choices.map((/** @type {any} */ { design, name }) =>
    h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => open(design) }, name),
  );
  fill(
    slot,
    h("h3", null, "Try it"),
    h("div", { class: "chips", role: "group", "aria-label": "Design to try" }, buttons),
    host,
  );
  slot.hidden = false;
  /** @param {number} design */
  function open(design) {
    host.append(stage.root);
    stage.choose(design);
    changed();
  }
  function update() {
    choices.forEach((/** @type {any} */ { design }, /** @type {number} */ i) =>
      buttons[i].setAttribute("aria-pressed", String(stage.state.design === design && host.contains(stage.root))),
    );
  }
  return { open: () => open(choices[0].design), update };
}

/** Start when the document is there; the article stays as it is where that fails. */
function start() {
  const given = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("eyeshot-document")).textContent ?? "");
  const stage = stageOf(given);
  /** @type {Array<{open: () => void, update: () => void}>} */
  const slots = [];
  for (const slot of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-choices]"))) {
    slots.push(slotOf(slot, stage, () => slots.forEach((each) => each.update())));
  }
  slots[0]?.open();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => stage.set({}));
  matchMedia("(forced-colors: active)").addEventListener("change", () => stage.set({}));
  /** @type {any} */ (globalThis).eyeshot = stage;
}

start();
