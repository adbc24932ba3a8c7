// The classic recurrence for a network changed in the page: size, step and start of every layer's field on an endless
// image, where one form holds for all units. Elsewhere the unit at the middle answers, inside the image.
//
//     size' = size + (k − 1)·d·J,   J' = J·s,   start' = start − p·J

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Field} Field */
/**
 * @typedef {{low: number, high: number, step: number | null, apart?: number} | null | undefined} Form low … high is
 * what unit 0 sees, or all units where there is no step: each of them, or together where they are apart, each seeing so
 * many pixels, as behind a flattening; null for no common form, undefined for nothing
 */

/** Every layer's form per axis. @param {Design} design @param {boolean} gates @returns {Form[][]} */
export function closedForms(design, gates) {
  /** @type {Form[][]} */
  const forms = [];
  design.nodes.forEach((node, at) => {
    if (at === design.input) {
      forms.push(design.axes.map(() => ({ low: 0, high: 0, step: 1 })));
      return;
    }
    const reads = node.reads.filter((read) => gates || !read.gate);
    forms.push(
      design.axes.map((_, axis) => {
        const parts = reads.map(({ source, relation }) =>
          through(relation, forms[source]?.[axis], design.nodes[source], node, axis),
        );
        return united(parts.filter((part) => part !== undefined));
      }),
    );
  });
  return forms;
}

/**
 * @param {import("./field.js").Relation} relation @param {Form} form @param {Layer} before @param {Layer} after
 * @param {number} axis
 * @returns {Form}
 */
function through(relation, form, before, after, axis) {
  if (!form) return form;
  const from = before.places[axis];
  const to = after.places[axis];
  if (form.step === null) return form.apart ? gathered(relation, form, before, to) : form;
  if (from === null || relation.kind === "opaque") return null;
  if (relation.kind === "reduce" && relation.groups && from === 1) return null;
  const isReduced = relation.kind === "reduce" && relation.axes?.includes(from);
  if (to === null || isReduced) {
    return {
      low: form.low,
      high: form.high + form.step * (before.shape[from] - 1),
      step: null,
      apart: isReduced ? undefined : form.high - form.low + 1,
    };
  }
  const i = relation.axes?.indexOf(from) ?? -1;
  if (i < 0)
    return relation.kind === "concat" && relation.axis === from
      ? null
      : before.shape[from] === after.shape[to]
        ? form
        : null;
  if (relation.kind !== "window" || relation.runs) return null;
  const {
    kernel,
    stride,
    dilation,
    before: p,
    base,
  } = /** @type {import("./field.js").Slide[]} */ (relation.slides)[i];
  if (base > 1) return null;
  return {
    low: form.low - p * form.step,
    high: form.high + ((kernel - 1) * dilation - p) * form.step,
    step: form.step * stride,
  };
}

/**
 * Units that lie along no axis of their own: whoever reads all of them sees what they see together; whoever puts some
 * back in their places has no form here.
 * @param {import("./field.js").Relation} relation @param {Form} form @param {Layer} before @param {number | null} to
 * @returns {Form}
 */
function gathered(relation, form, before, to) {
  if (!form) return form;
  const isAll = relation.kind === "reduce" && before.shape.every((n, axis) => n === 1 || relation.axes?.includes(axis));
  if (isAll) return { low: form.low, high: form.high, step: null };
  return to === null && ["elementwise", "permute", "reshape"].includes(relation.kind) ? form : null;
}

/** @param {Form[]} parts @returns {Form} */
function united(parts) {
  if (!parts.length) return undefined;
  if (parts.some((part) => part === null)) return null;
  const known = /** @type {Array<{low: number, high: number, step: number | null, apart?: number}>} */ (parts);
  if (new Set(known.map((part) => part.step)).size > 1) return null;
  return {
    low: Math.min(...known.map((part) => part.low)),
    high: Math.max(...known.map((part) => part.high)),
    step: known[0].step,
    apart: known.some((part) => part.apart) ? Math.max(...known.map((part) => part.apart ?? 0)) : undefined,
  };
}
