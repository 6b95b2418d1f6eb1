"use strict";
document.documentElement.classList.add("js");
document.querySelectorAll(".map").forEach(function (map) {
  var over = map.querySelector(".over");
  var mix = map.querySelector(".mix");
  var range = mix.querySelector("input");
  function show() { over.style.opacity = range.value / 100; }
  range.addEventListener("input", show);
  mix.querySelectorAll("button").forEach(function (button) {
    button.addEventListener("click", function () { range.value = button.dataset.to; show(); });
  });
  mix.hidden = false;
});
document.querySelectorAll("button.copy").forEach(function (button) {
  button.hidden = false;
  button.addEventListener("click", function () {
    var range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    document.execCommand("copy");
    button.classList.add("done");
  });
});
var opened = [];
window.addEventListener("beforeprint", function () {
  document.querySelectorAll("details:not([open])").forEach(function (one) { one.open = true; opened.push(one); });
  document.querySelectorAll("img[loading]").forEach(function (one) { one.loading = "eager"; });
});
window.addEventListener("afterprint", function () {
  opened.forEach(function (one) { one.open = false; });
  opened = [];
});
