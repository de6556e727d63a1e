"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const chart = document.getElementById("chart");

  // Language: the address (#zh, #en) or the button; labels that only a screen reader sees follow.
  function speak(lang) {
    root.dataset.lang = root.lang = lang;
    for (const e of all("[data-en][data-zh]")) {
      if (e.tagName === "title") e.textContent = e.dataset[lang]; else e.setAttribute("aria-label", e.dataset[lang]);
    }
    if (chart) labels();
  }
  document.getElementById("language").addEventListener("click", () => speak(root.dataset.lang === "zh" ? "en" : "zh"));
  const fromAddress = () => { if (/^#(zh|en)$/.test(location.hash)) speak(location.hash.slice(1)); };
  addEventListener("hashchange", fromAddress);

  // Filters of alarms and timeline.
  for (const section of all(".filterable")) {
    const buttons = all(".chips button", section);
    for (const button of buttons) button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      for (const row of all("[data-group]", section)) row.hidden = !!button.dataset.show && row.dataset.group !== button.dataset.show;
    });
  }

  // Map: the view box moves; symbols, labels and the scale bar keep their size on the screen.
  let view = null;
  const unit = () => Math.max(view[2] / chart.clientWidth, view[3] / chart.clientHeight);
  function draw() {
    chart.setAttribute("viewBox", view.join(" "));
    const u = unit();
    for (const m of all(".mark", chart)) m.setAttribute("transform", `translate(${m.dataset.x} ${m.dataset.y}) scale(${u})`);
    const bar = document.getElementById("scalebar");
    const most = 150 * u, power = 10 ** Math.floor(Math.log10(most));
    const metres = [5, 2, 1].find((s) => s * power <= most) * power;
    const left = view[0] + view[2] / 2 - chart.clientWidth * u / 2, bottom = view[1] + view[3] / 2 + chart.clientHeight * u / 2;
    bar.setAttribute("transform", `translate(${left + 16 * u} ${bottom - 16 * u}) scale(${u})`);
    bar.querySelector("path").setAttribute("d", `M0 -6V0H${metres / u}V-6`);
    bar.querySelector("text").setAttribute("x", metres / u / 2);
    bar.querySelector("text").textContent = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
    document.getElementById("dronemark").setAttribute("r", 7 * u);
    labels();
  }
  // A label that would lie on a symbol or on a more important label is not shown until there is room.
  const rank = [".landed", ".home", ".zonelabel", ".dock", ".pole", ".rally", ".target"];
  function labels() {
    const taken = all(".symbol", chart).map((e) => e.getBoundingClientRect());
    const frame = chart.getBoundingClientRect();
    const near = (a, b) => a.left < b.right + 2 && b.left < a.right + 2 && a.top < b.bottom && b.top < a.bottom;
    for (const kind of rank) for (const text of all(`.mark${kind} .label`, chart)) {
      text.style.visibility = "";
      text.style.textAnchor = "";
      text.removeAttribute("transform");
      let box = text.getBoundingClientRect();
      if (kind !== ".zonelabel" && box.right > frame.right && box.left < frame.right) {
        text.style.textAnchor = "end";
        text.setAttribute("transform", `translate(${-2 * text.getAttribute("x")} 0)`);
        box = text.getBoundingClientRect();
      }
      if (!box.width) continue;
      const nameless = text.classList.contains("reach") && text.previousElementSibling.style.visibility === "hidden";
      if (nameless || taken.some((other) => near(box, other))) text.style.visibility = "hidden"; else taken.push(box);
    }
  }
  function zoom(factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) {
    const first = chart.dataset.home.split(" ").map(Number);
    const f = Math.min(Math.max(factor, first[2] / 200 / view[2]), 8 * first[2] / view[2]);
    view = [x - (x - view[0]) * f, y - (y - view[1]) * f, view[2] * f, view[3] * f];
    draw();
  }
  const at = (event) => {
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    return [p.x, p.y];
  };
  function fit() { view = chart.dataset.home.split(" ").map(Number); draw(); }
  if (chart) {
    const fingers = new Map();
    let spread = 0;
    chart.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.0015), ...at(e)); }, { passive: false });
    chart.addEventListener("pointerdown", (e) => { chart.setPointerCapture(e.pointerId); fingers.set(e.pointerId, e); spread = 0; });
    for (const end of ["pointerup", "pointercancel"]) chart.addEventListener(end, (e) => { fingers.delete(e.pointerId); spread = 0; });
    chart.addEventListener("pointermove", (e) => {
      const before = fingers.get(e.pointerId);
      if (!before) return;
      const [x0, y0] = at(before), [x1, y1] = at(e);
      fingers.set(e.pointerId, e);
      if (fingers.size === 1) { view = [view[0] - x1 + x0, view[1] - y1 + y0, view[2], view[3]]; draw(); return; }
      const [a, b] = [...fingers.values()], now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (spread) zoom(spread / now, ...at({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }));
      spread = now;
    });
    chart.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (step) { view = [view[0] + step[0] * view[2] / 10, view[1] + step[1] * view[3] / 10, view[2], view[3]]; draw(); }
      else if (e.key === "+" || e.key === "=") zoom(0.7);
      else if (e.key === "-") zoom(1 / 0.7);
      else if (e.key === "0") fit();
      else return;
      e.preventDefault();
    });
    for (const button of all("[data-zoom]")) button.addEventListener("click", () => button.dataset.zoom === "fit" ? fit() : zoom(button.dataset.zoom === "in" ? 0.6 : 1 / 0.6));
    for (const box of all("input[data-layer]")) box.addEventListener("change", () => {
      for (const layer of all(`g[data-layer="${box.dataset.layer}"]`, chart)) layer.style.display = box.checked ? "" : "none";
      labels();
    });
    new ResizeObserver(() => draw()).observe(chart);
    fit();
  }

  // Plots: one pointer reads every series of a flight and shows the drone on the map and in the side view.
  const pointers = JSON.parse(document.getElementById("pointers").textContent);
  for (const box of all(".timebox")) {
    const pointer = pointers[box.dataset.flight], areas = all(".area", box), count = pointer.moments.length;
    const panels = all(".panel", box).map((panel) => ({ outputs: all("[data-series] output", panel), series: JSON.parse(panel.querySelector("script").textContent) }));
    const side = document.querySelector(`.sidebox[data-flight="${box.dataset.flight}"]`), moment = box.querySelector(".moment");
    let index = -1;
    function show(i) {
      index = Math.min(Math.max(i, 0), count - 1);
      const left = `${100 * index / (count - 1)}%`;
      box.classList.add("pointing");
      for (const area of areas) area.querySelector(".cross").style.left = left;
      moment.style.left = left;
      moment.textContent = pointer.moments[index];
      for (const { outputs, series } of panels) outputs.forEach((output, k) => {
        const value = series[k].values[index];
        output.textContent = value === null ? "–" : `${value.toFixed(series[k].digits)}${series[k].unit && ` ${series[k].unit}`}`;
      });
      const there = pointer.x[index] !== null, drone = document.getElementById("dronemark");
      drone.style.display = there ? "" : "none";
      if (there) { drone.setAttribute("cx", pointer.x[index]); drone.setAttribute("cy", pointer.y[index]); }
      if (!side) return;
      const mark = side.querySelector(".sidemark"), along = pointer.along[index];
      mark.style.display = along === null ? "none" : "block";
      mark.style.left = `${100 * along / side.dataset.along}%`;
      mark.style.bottom = `${100 * pointer.height[index] / side.dataset.up}%`;
    }
    function hide() {
      box.classList.remove("pointing");
      moment.textContent = "";
      for (const { outputs } of panels) for (const output of outputs) output.textContent = "";
      document.getElementById("dronemark").style.display = "none";
      if (side) side.querySelector(".sidemark").style.display = "none";
    }
    box.addEventListener("pointermove", (e) => {
      const r = areas[0].getBoundingClientRect();
      show(Math.round((e.clientX - r.left) / r.width * (count - 1)));
    });
    box.addEventListener("pointerleave", hide);
    box.addEventListener("blur", hide);
    box.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -count / 20, PageUp: count / 20 }[e.key];
      if (step) show(Math.round((index < 0 ? 0 : index) + step));
      else if (e.key === "Home") show(0);
      else if (e.key === "End") show(count - 1);
      else if (e.key === "Escape") hide();
      else return;
      e.preventDefault();
    });
  }
  addEventListener("beforeprint", () => { for (const fold of all("details")) fold.open = true; });
  fromAddress();
})();
