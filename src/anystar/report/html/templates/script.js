"use strict";
const DASH = 6; // pixels of a run's share of an outline
for (const viewer of document.querySelectorAll(".viewer")) {
  const { shape, planes } = JSON.parse(viewer.querySelector("script.data").textContent);
  const stacks = [...viewer.querySelectorAll(".stack")];
  const sliders = [...viewer.querySelectorAll("input[type=range]")];
  const position = planes.map((plane, n) => plane.index[sliders[n].value]);
  let box = null;
  let touched = false;

  const nearest = (index, wanted) =>
    index.reduce((best, at, n) => (Math.abs(at - wanted) < Math.abs(index[best] - wanted) ? n : best), 0);
  const source = (text) => "data:image/webp;base64," + text;
  const percent = (part) => 100 * part + "%";

  function draw(n) {
    const plane = planes[n];
    const at = nearest(plane.index, position[n]);
    const stack = stacks[n];
    stack.querySelector(".grey").src = source(plane.grey[at]);
    stack.querySelectorAll(".outline").forEach((image, layer) => { image.src = source(plane.outlines[layer][at]); });
    sliders[n].value = at;
    sliders[n].setAttribute("aria-valuetext", "ZYX"[n] + " " + plane.index[at]);
    sliders[n].closest("figure").querySelector(".at").textContent = plane.index[at];
    const [down, across] = [0, 1, 2].filter((axis) => axis !== n);
    const lines = { down: stack.querySelector(".cross.down"), across: stack.querySelector(".cross.across") };
    lines.down.hidden = lines.across.hidden = !touched;
    lines.down.style.left = percent((position[across] + 0.5) / shape[across]);
    lines.across.style.top = percent((position[down] + 0.5) / shape[down]);
    const frame = stack.querySelector(".box");
    frame.hidden = !box || plane.index[at] < box.start[n] || plane.index[at] >= box.stop[n];
    if (!frame.hidden) {
      frame.style.left = percent(box.start[across] / shape[across]);
      frame.style.top = percent(box.start[down] / shape[down]);
      frame.style.width = percent((box.stop[across] - box.start[across]) / shape[across]);
      frame.style.height = percent((box.stop[down] - box.start[down]) / shape[down]);
    }
  }
  const drawAll = () => { touched = true; planes.forEach((_, n) => draw(n)); };

  sliders.forEach((slider, n) => slider.addEventListener("input", () => {
    position[n] = planes[n].index[slider.value];
    drawAll();
  }));
  stacks.forEach((stack, n) => stack.addEventListener("click", (event) => {
    const frame = stack.getBoundingClientRect();
    const [down, across] = [0, 1, 2].filter((axis) => axis !== n);
    const voxel = (part, count) => Math.max(0, Math.min(count - 1, Math.floor(part * count)));
    position[across] = voxel((event.clientX - frame.left) / frame.width, shape[across]);
    position[down] = voxel((event.clientY - frame.top) / frame.height, shape[down]);
    drawAll();
  }));
  const ticks = [...viewer.querySelectorAll("input[type=checkbox]")];
  // Runs that are visible together take turns along their outlines; a single one is whole.
  function dash() {
    const together = ticks.filter((tick) => tick.checked && "run" in tick.dataset);
    for (const tick of ticks) {
      const turn = together.length > 1 ? together.indexOf(tick) : -1;
      const [start, stop, period] = [DASH * turn, DASH * (turn + 1), DASH * together.length].map((n) => n + "px");
      const mask = turn < 0 ? "none" :
        "repeating-linear-gradient(45deg, transparent 0 " + start + ", #000 " + start + " " + stop +
        ", transparent " + stop + " " + period + ")";
      viewer.querySelectorAll(".outline[data-layer='" + tick.dataset.layer + "']").forEach((image) => {
        image.hidden = !tick.checked;
        image.style.maskImage = mask;
      });
    }
  }
  ticks.forEach((tick) => tick.addEventListener("change", dash));
  dash();
  for (const button of document.querySelectorAll("button[data-viewer='" + viewer.id + "']")) {
    const numbers = (text) => text.split(",").map(Number);
    button.addEventListener("click", () => {
      numbers(button.dataset.position).forEach((at, n) => { position[n] = at; });
      box = { start: numbers(button.dataset.start), stop: numbers(button.dataset.stop) };
      drawAll();
      viewer.querySelector(".status").textContent =
        button.getAttribute("aria-label").replace("Show ", "Showing ") + ", at Z, Y, X = " + position.join(", ") + ".";
      viewer.scrollIntoView({ block: "nearest" });
    });
  }
}
