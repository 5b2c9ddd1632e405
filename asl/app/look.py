"""What the page looks like, and what it does in the browser: CSS, HTML and JavaScript."""

CSS = """
.gradio-container{max-width:72rem!important;margin:0 auto!important}
.letter{font-size:5rem;font-weight:700;line-height:1;min-width:6rem;text-align:center}
.reading{display:flex;gap:1rem;align-items:center;min-height:7rem}
.reading.unsure .letter{opacity:.6}
.bar{width:10rem;height:.6rem;margin-top:.4rem;border:1px solid currentColor;border-radius:.4rem}
.bar div{height:100%;background:#0072B2;border-radius:.3rem}
.stage{position:relative;padding:0!important}
.stage .over{position:absolute;inset:0;pointer-events:none;padding:0;margin:0;z-index:5;border:0;
background:none}
.stage .over *{height:100%;width:100%;background:none}
.stage .block:has(video){height:auto!important;aspect-ratio:4/3;border-style:solid!important;
border-width:1px!important}
.skeleton{position:absolute;inset:0;width:100%;height:100%}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.unseen-block{position:absolute;border:0}
.photos{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
.photos figure{margin:0}
.photos img{width:100%;border-radius:.5rem}
.photos b{font-size:1.6rem}
.note,.camera-trouble:not(:empty){border-left:.3rem solid #D55E00;
padding:.3rem .8rem;margin:.4rem 0}
a.download{display:inline-block;padding:.5rem 1rem;border:1px solid currentColor;
border-radius:.5rem;margin-top:1rem}
svg.shown{width:100%;max-width:22rem;display:block;margin:auto;cursor:grab;touch-action:pan-y;
user-select:none}
svg.shown:active{cursor:grabbing}
@media (max-width:640px){svg.shown{max-width:13rem}}
.counts{max-height:22rem;overflow-y:auto}
.gestures table{width:auto;font-size:.95rem}
.gestures th,.gestures td{padding:.35rem .7rem!important;word-break:normal!important;
overflow-wrap:normal!important;vertical-align:top}
.path{fill:none;stroke:#0072B2;stroke-width:6;stroke-linecap:round;stroke-linejoin:round}
.path.under{stroke:#fff;stroke-width:11}
.tip{fill:#D55E00;stroke:#fff;stroke-width:3}
.target{font-size:2rem;font-weight:700;text-align:center}
.target .rest{opacity:.55;font-weight:400}
.answer{font-size:1.25rem;min-height:4rem}
.answer.right{font-weight:700}
table.score{border-collapse:collapse}
table.score th,table.score td{padding:.1rem .8rem;text-align:right}
@media (prefers-reduced-motion: reduce){.tip{display:none}}
"""

# A camera that is denied, missing or taken away is said where it is missed; and the page has a
# language, for screen readers
HEAD = """<script>
document.documentElement.lang = "en";
(() => {
  const said = {
    NotAllowedError: "The camera was not allowed. Allow it beside the address of this page, " +
      "then load the page again. Photo works without a camera.",
    NotFoundError: "No camera was found. Connect one, then load the page again. Photo works " +
      "without a camera.",
    NotReadableError: "The camera is in use by another program. Close that, then load the page " +
      "again.",
  };
  const tell = text => document.querySelectorAll(".camera-trouble").forEach(
    each => { each.textContent = text; });
  const record = 'button[aria-label="capture photo"]';  // which, in a stream, it does not do
  new MutationObserver(() => document.querySelectorAll(record).forEach(
    each => each.setAttribute("aria-label", "start or stop reading"))).observe(
    document.documentElement, {childList: true, subtree: true});
  // The arrow keys go from tab to tab, as people expect who work with the keyboard alone
  document.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    const tab = event.target.closest && event.target.closest("[role=tab]");
    if (!step || !tab) return;
    const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")];
    tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length].focus();
    event.preventDefault();
  });
  // The mouse on the hand of Practise moves the sliders beside it, half a degree a pixel
  let drag = null;
  const slide = (name, value) => {
    const slider = document.querySelector("#" + name + " input[type=range]");
    const whole = Math.round(value / slider.step) * slider.step;
    const turned = name === "turn" ? ((whole + 540) % 360) - 180 :
      Math.max(slider.min, Math.min(slider.max, whole));
    if (+slider.value === turned) return;
    slider.value = turned;
    slider.dispatchEvent(new Event("input", {bubbles: true}));
  };
  const angle = name => +document.querySelector("#" + name + " input[type=range]").value;
  document.addEventListener("pointerdown", event => {
    if (!event.target.closest || !event.target.closest("svg.shown")) return;
    drag = {x: event.clientX, y: event.clientY, turn: angle("turn"), tilt: angle("tilt")};
    if (event.pointerType === "mouse") event.preventDefault();
  });
  document.addEventListener("pointermove", event => {
    if (!drag) return;
    slide("turn", drag.turn + (event.clientX - drag.x) / 2);
    slide("tilt", drag.tilt + (event.clientY - drag.y) / 2);
  });
  document.addEventListener("dragstart", event => { if (drag) event.preventDefault(); });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => { drag = null; });
  }
  const media = navigator.mediaDevices;
  if (!media) return;
  const ask = media.getUserMedia.bind(media);
  media.getUserMedia = async wanted => {
    try {
      const stream = await ask(wanted);
      tell("");
      stream.getVideoTracks().forEach(track => track.addEventListener("ended", () => tell(
        "The camera was taken away. Connect it, then load the page again.")));
      return stream;
    } catch (error) {
      tell(said[error.name] || "The camera cannot be used: " + error.message);
      throw error;
    }
  };
})();
</script>"""

COPY = "text => { navigator.clipboard.writeText(text || ''); }"
TROUBLE = '<p class="camera-trouble" role="alert"></p>'
INTRODUCTION = """# Spell to your computer
This reads **fingerspelling**, a small part of American Sign Language, and is no interpreter.
Everything stays on this machine: no frame is sent anywhere, and none is stored, but for the
pictures that you save in *Collect*."""
SPELL = """Start the camera: click into the field, then on *Record*. Hold each letter still for a
moment until it is written; draw J and Z in the air."""
GESTURES = """| to | with your hand | or |
|---|---|---|
| write a letter | hold it still until the bar is full | *Write*, without waiting |
| write it again | move it a little to a side, or open it and close it | *Repeat* |
| make a space | hold your open hand still, fingers spread; or take your hand away for a second |\
 *Space* |
| delete a letter | wipe your open hand to a side, and stop there | *Delete* |
"""
PHOTO = """Drop pictures of hands that sign. They are read here, and deleted two minutes later;
pictures over 20 MB or 50 megapixels are not looked at."""
PRACTISE = """Copy the hand that you see, before the camera or in a photo. Turn it with the mouse or
with the sliders. The page says when yours is right, and which finger is off."""
COLLECT = """Make a data set of your own hands. Choose what your hand shows, hold it before the
camera, and press: the square around the hand is saved on this machine. Nothing else is stored."""
