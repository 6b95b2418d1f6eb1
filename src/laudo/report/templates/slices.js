"use strict";
// Slices of volumes, and pictures, with their masks: what slice_viewer.py has written is drawn on canvases.
(function () {
  var COLOURS = {{ palette|tojson }};
  var MISSED = "#ff5a4f", EXTRA = "#4da3ff", OTHER = "#ffffff";
  var LONGEST = 430, TOGETHER = 850, SHARP = 2;

  function numbers(text) { return text.split(" ").map(Number); }

  // Whole numbers of seven bits a byte, low bits first.
  function decode(text, voxels, base) {
    var bytes = atob(text), truth = new Uint8Array(voxels), predicted = new Uint8Array(voxels);
    var at = 0, place = 0;
    function next() {
      var value = 0, factor = 1, byte;
      do {
        byte = bytes.charCodeAt(at);
        at += 1;
        value += (byte & 127) * factor;
        factor *= 128;
      } while (byte & 128);
      return value;
    }
    while (at < bytes.length) {
      var pair = next(), end = place + next();
      truth.fill(Math.floor(pair / base), place, end);
      predicted.fill(pair % base, place, end);
      place = end;
    }
    return { truth: truth, predicted: predicted };
  }

  // Grey levels of the sheet on which axial slices lie side by side.
  function greyLevels(image, shape, columns) {
    var canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    var context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    var pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    var grey = new Uint8Array(shape[0] * shape[1] * shape[2]), to = 0;
    for (var z = 0; z < shape[2]; z += 1) {
      var left = (z % columns) * shape[0], top = Math.floor(z / columns) * shape[1];
      for (var y = 0; y < shape[1]; y += 1) {
        for (var x = 0; x < shape[0]; x += 1) {
          grey[to] = pixels[((top + y) * canvas.width + left + x) * 4];
          to += 1;
        }
      }
    }
    return grey;
  }

  // Of each plane: its axes across and down (down runs against the axis, but in pictures), and the axis that its slider moves along.
  var PLANES = {
    axial: { across: 0, down: 1, through: 2, turned: true },
    coronal: { across: 0, down: 2, through: 1, turned: true },
    sagittal: { across: 1, down: 2, through: 0, turned: true },
    picture: { across: 0, down: 1, through: 2, turned: false }
  };

  function Panel(figure) {
    var data = figure.dataset;
    this.figure = figure;
    this.shape = numbers(data.shape);
    this.spacing = numbers(data.spacing);
    this.at = numbers(data.places);
    this.file = numbers(data.file);
    this.views = Array.prototype.map.call(figure.querySelectorAll(".view"), function (view) {
      return { plane: PLANES[view.dataset.plane], canvas: view.querySelector("canvas"), range: view.querySelector("input"), output: view.querySelector("output") };
    });
    this.ready = false;
  }

  Panel.prototype.open = function (then) {
    var panel = this, data = this.figure.dataset, image = new Image();
    if (this.ready) { then(); return; }
    image.onload = function () {
      var voxels = panel.shape[0] * panel.shape[1] * panel.shape[2];
      var masks = decode(data.runs, voxels, Number(data.structures) + 1);
      panel.truth = masks.truth;
      panel.predicted = masks.predicted;
      panel.image = image;
      panel.grey = panel.views[0].plane !== PLANES.picture ? greyLevels(image, panel.shape, Number(data.columns)) : null;
      panel.fit();
      panel.ready = true;
      panel.figure.querySelector(".still").hidden = true;
      panel.figure.querySelector(".views").hidden = false;
      then();
    };
    image.setAttribute("src", data.sheet);
  };

  // Number of a slice in the file, from 1, and back: parts of the volume may have been left out.
  Panel.prototype.numberOf = function (axis) { return this.file[axis] + this.at[axis] * this.file[axis + 3] + 1; };
  Panel.prototype.placeOf = function (number, axis) {
    var place = Math.round((number - 1 - this.file[axis]) / this.file[axis + 3]);
    return Math.min(Math.max(place, 0), this.shape[axis] - 1);
  };

  // All planes of a case in one scale, as large as the page has room for.
  Panel.prototype.fit = function () {
    var panel = this, shape = this.shape, spacing = this.spacing;
    function length(axis) { return shape[axis] * spacing[axis]; }
    var sides = [], together = 0;
    this.views.forEach(function (view) {
      sides.push(length(view.plane.across), length(view.plane.down));
      together += length(view.plane.across);
    });
    var most = this.views.length > 1 ? LONGEST : 640;
    var scale = Math.min(most / Math.max.apply(null, sides), TOGETHER / together);
    this.views.forEach(function (view) {
      var width = Math.max(1, Math.round(length(view.plane.across) * scale));
      view.canvas.width = width * SHARP;
      view.canvas.height = Math.max(1, Math.round(length(view.plane.down) * scale)) * SHARP;
      view.canvas.style.width = width + "px";
      view.canvas.parentNode.style.width = width + "px";
      if (!view.range) { return; }
      view.range.max = shape[view.plane.through] - 1;
      view.range.value = panel.at[view.plane.through];
    });
  };

  // The slice of a volume as it is shown, row by row from above.
  Panel.prototype.slice = function (volume, plane) {
    var shape = this.shape, steps = [1, shape[0], shape[0] * shape[1]];
    var columns = shape[plane.across], rows = shape[plane.down];
    var start = this.at[plane.through] * steps[plane.through];
    var out = new Uint8Array(columns * rows), to = 0;
    for (var row = 0; row < rows; row += 1) {
      var from = start + (plane.turned ? rows - 1 - row : row) * steps[plane.down];
      for (var column = 0; column < columns; column += 1) {
        out[to] = volume[from];
        to += 1;
        from += steps[plane.across];
      }
    }
    return out;
  };

  Panel.prototype.draw = function (layers) {
    var panel = this;
    this.views.forEach(function (view) {
      var plane = view.plane, columns = panel.shape[plane.across], rows = panel.shape[plane.down];
      var context = view.canvas.getContext("2d");
      var cell = { columns: columns, rows: rows, width: view.canvas.width / columns, height: view.canvas.height / rows };
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(panel.grey ? painted(panel.slice(panel.grey, plane), columns, rows) : panel.image, 0, 0, view.canvas.width, view.canvas.height);
      var truth = panel.slice(panel.truth, plane), predicted = panel.slice(panel.predicted, plane);
      context.globalAlpha = layers.opacity;
      if (layers.predicted) { areas(context, cell, predicted, colour); }
      if (layers.difference) { differences(context, cell, truth, predicted); }
      context.globalAlpha = 1;
      if (layers.truth) { lines(context, cell, truth); }
      if (view.range) {
        ticks(context, view, panel);
        view.range.value = panel.at[plane.through];
        view.output.textContent = panel.numberOf(plane.through) + " / " + panel.file[plane.through + 6];
        view.range.setAttribute("aria-valuetext", view.output.textContent);
      }
    });
  };

  function colour(zone) { return COLOURS[(zone - 1) % COLOURS.length]; }

  function painted(grey, columns, rows) {
    var canvas = document.createElement("canvas");
    canvas.width = columns;
    canvas.height = rows;
    var context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    for (var i = 0; i < grey.length; i += 1) {
      image.data[i * 4] = image.data[i * 4 + 1] = image.data[i * 4 + 2] = grey[i];
      image.data[i * 4 + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  // Fill the squares of each number; neighbours in a row are one rectangle.
  function areas(context, cell, zones, style) {
    var paths = {};
    for (var row = 0; row < cell.rows; row += 1) {
      var start = row * cell.columns, end = start + cell.columns;
      for (var i = start; i < end;) {
        var zone = zones[i], from = i;
        while (i < end && zones[i] === zone) { i += 1; }
        if (zone) {
          paths[zone] = paths[zone] || new Path2D();
          var left = Math.round((from - start) * cell.width), top = Math.round(row * cell.height);
          paths[zone].rect(left, top, Math.round((i - start) * cell.width) - left, Math.round((row + 1) * cell.height) - top);
        }
      }
    }
    Object.keys(paths).forEach(function (zone) {
      context.fillStyle = style(Number(zone));
      context.fill(paths[zone]);
    });
  }

  // Missed, outlined by mistake, taken for another structure: told apart by colour and by pattern.
  function differences(context, cell, truth, predicted) {
    var kinds = truth.map(function (zone, i) {
      var other = predicted[i];
      return zone === other ? 0 : !other ? 1 : !zone ? 2 : 3;
    });
    var styles = [null, stripes(context, MISSED, true), EXTRA, stripes(context, OTHER, false)];
    context.globalAlpha = Math.min(1, context.globalAlpha + 0.35);
    areas(context, cell, kinds, function (kind) { return styles[kind]; });
  }

  function stripes(context, tint, aslant) {
    var tile = document.createElement("canvas"), side = 12;
    tile.width = tile.height = side;
    var pen = tile.getContext("2d");
    pen.strokeStyle = tint;
    pen.lineWidth = aslant ? 5 : 6;
    (aslant ? [-side, 0, side] : [side / 2]).forEach(function (shift) {
      pen.beginPath();
      pen.moveTo(shift, aslant ? side : 0);
      pen.lineTo(aslant ? shift + side : shift, aslant ? 0 : side);
      pen.stroke();
    });
    return context.createPattern(tile, "repeat");
  }

  // Lines between squares of different number, over a dark one so that they are seen on white too.
  function lines(context, cell, zones) {
    var paths = {}, columns = cell.columns, rows = cell.rows;
    function edge(one, other, x1, y1, x2, y2) {
      if (one === other) { return; }
      var zone = Math.max(one, other);
      paths[zone] = paths[zone] || new Path2D();
      paths[zone].moveTo(x1 * cell.width, y1 * cell.height);
      paths[zone].lineTo(x2 * cell.width, y2 * cell.height);
    }
    for (var row = 0; row <= rows; row += 1) {
      for (var column = 0; column <= columns; column += 1) {
        var inside = row < rows && column < columns, here = inside ? zones[row * columns + column] : 0;
        if (column < columns) { edge(row ? zones[(row - 1) * columns + column] : 0, here, column, row, column + 1, row); }
        if (row < rows) { edge(column ? zones[row * columns + column - 1] : 0, here, column, row, column, row + 1); }
      }
    }
    context.lineCap = "square";
    [["#000000", 7], [null, 4]].forEach(function (pass) {
      Object.keys(paths).forEach(function (zone) {
        context.strokeStyle = pass[0] || colour(Number(zone));
        context.lineWidth = pass[1];
        context.stroke(paths[zone]);
      });
    });
  }

  // Where the other two planes cut this one: short marks at its border.
  function ticks(context, view, panel) {
    var plane = view.plane, width = view.canvas.width, height = view.canvas.height, length = 14;
    var x = (panel.at[plane.across] + 0.5) / panel.shape[plane.across] * width;
    var y = (1 - (panel.at[plane.down] + 0.5) / panel.shape[plane.down]) * height;
    context.fillStyle = "#ffffff";
    context.fillRect(x - 1, 0, 2, length);
    context.fillRect(x - 1, height - length, 2, length);
    context.fillRect(0, y - 1, length, 2);
    context.fillRect(width - length, y - 1, length, 2);
  }

  function looker(root) {
    var panels = Array.prototype.filter.call(root.querySelectorAll(".panel"), function (one) { return one.dataset.runs !== undefined; }).map(function (one) { return new Panel(one); });
    if (!panels.length) { return; }
    var tools = root.querySelector(".tools"), shown = null;
    function layers() {
      var found = { opacity: tools.querySelector("[data-opacity]").value / 100 };
      tools.querySelectorAll("[data-layer]").forEach(function (box) { found[box.dataset.layer] = box.checked; });
      return found;
    }
    function draw() { if (shown && shown.ready) { shown.draw(layers()); } }
    function show(number) {
      root.querySelectorAll(".panel").forEach(function (one) { one.classList.toggle("away", one.id !== "look-" + number); });
      tools.querySelectorAll("[name=look]").forEach(function (one) { one.checked = Number(one.value) === number; });
      shown = panels.find(function (one) { return one.figure.id === "look-" + number; }) || null;
      if (shown) { shown.open(draw); }
    }
    function keep() {
      var which = shown.figure.id.replace("look-", "");
      try { history.replaceState(null, "", "#look=" + which + "," + [0, 1, 2].map(function (axis) { return shown.numberOf(axis); }).join(",")); } catch (error) { /* a page that may not change its address */ }
    }
    // #look=CASE,RIGHT,FRONT,HEAD in the address opens a case at these slices.
    function follow() {
      var found = /^#look=(\d+)(?:,(\d+),(\d+),(\d+))?/.exec(location.hash);
      if (!found) { return false; }
      var panel = panels.find(function (one) { return one.figure.id === "look-" + found[1]; });
      if (!panel) { return false; }
      if (found[2]) {
        panel.at = [2, 3, 4].map(function (group, axis) { return panel.placeOf(Number(found[group]), axis); });
      }
      show(Number(found[1]));
      return true;
    }
    panels.forEach(function (panel) {
      panel.views.forEach(function (view) {
        if (!view.range) { return; }
        view.range.addEventListener("input", function () {
          panel.at[view.plane.through] = Number(view.range.value);
          draw();
        });
        view.range.addEventListener("change", keep);
        function point(event) {
          var box = view.canvas.getBoundingClientRect(), plane = view.plane;
          function place(share, axis) { return Math.min(Math.max(Math.floor(share * panel.shape[axis]), 0), panel.shape[axis] - 1); }
          panel.at[plane.across] = place((event.clientX - box.left) / box.width, plane.across);
          panel.at[plane.down] = place(1 - (event.clientY - box.top) / box.height, plane.down);
          draw();
        }
        view.canvas.addEventListener("pointerdown", point);
        view.canvas.addEventListener("pointermove", function (event) { if (event.buttons) { point(event); } });
        view.canvas.addEventListener("pointerup", keep);
      });
    });
    tools.querySelectorAll("[name=look]").forEach(function (one) {
      one.addEventListener("change", function () { show(Number(one.value)); });
    });
    tools.querySelectorAll("[data-layer], [data-opacity]").forEach(function (one) { one.addEventListener("input", draw); });
    tools.hidden = false;
    window.addEventListener("hashchange", follow);
    if (!follow()) { show(0); }
  }
  document.querySelectorAll(".looker").forEach(looker);

  // Tables that are sorted by a click on a head.
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0];
    table.querySelectorAll("th[data-sort]").forEach(function (head) {
      var button = document.createElement("button"), column = head.cellIndex;
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var falling = head.getAttribute("aria-sort") === "ascending", sign = falling ? -1 : 1;
        table.querySelectorAll("th[aria-sort]").forEach(function (one) { one.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        var collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
        Array.prototype.slice.call(body.rows).sort(function (one, other) {
          var a = one.cells[column], b = other.cells[column];
          if (head.dataset.sort === "text") { return sign * collator.compare(a.textContent, b.textContent); }
          if (a.dataset.value === "" || b.dataset.value === "") { return (a.dataset.value === "") - (b.dataset.value === ""); }
          return sign * (a.dataset.value - b.dataset.value);
        }).forEach(function (row) { body.appendChild(row); });
      });
    });
  });
}());
