// Reads a part of the page aloud; the button appears only when a voice for the page's language is there.
const speech = window.speechSynthesis;
// Long utterances are cut off by several engines, so the text is spoken sentence by sentence.
const SENTENCE = /[^。！？!?.；;\n]+[。！？!?.；;\n]*/g;
const SILENT = "button, form, nav, .buttons, .unseen, .banner .icon, [aria-hidden='true']";

function voiceFor(language) {
  const main = language.split("-")[0];
  const wanted = language === "zh-Hant" ? ["zh-TW", "zh-HK"] : main === "zh" ? ["zh-CN"] : [];
  const voices = speech.getVoices().filter((voice) => voice.lang.replace("_", "-").split("-")[0] === main);
  return voices.find((voice) => wanted.indexOf(voice.lang.replace("_", "-")) >= 0) || voices[0];
}

function wordsOf(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll(SILENT).forEach((one) => one.remove());
  copy.querySelectorAll("h1, h2, h3, p, li, dt, dd, tr").forEach((one) => one.append("\n"));
  return (copy.textContent.match(SENTENCE) || []).map((one) => one.trim()).filter(Boolean);
}

export function start(button) {
  if (!speech) return;
  const label = button.querySelector("span");
  const resting = label.textContent;
  let reading = false;
  const stop = () => {
    reading = false;
    speech.cancel();
    label.textContent = resting;
  };
  const appear = () => { button.hidden = !voiceFor(document.documentElement.lang); };
  button.addEventListener("click", () => {
    if (reading) {
      stop();
      return;
    }
    const sentences = wordsOf(document.getElementById(button.dataset.target));
    if (!sentences.length) return;
    speech.cancel();
    reading = true;
    label.textContent = button.dataset.stop;
    sentences.forEach((sentence, index) => {
      const utterance = new SpeechSynthesisUtterance(sentence);
      utterance.voice = voiceFor(document.documentElement.lang);
      utterance.lang = utterance.voice.lang;
      utterance.rate = 0.9;
      if (index === sentences.length - 1) utterance.onend = stop;
      speech.speak(utterance);
    });
  });
  window.addEventListener("pagehide", stop);
  if (speech.addEventListener) speech.addEventListener("voiceschanged", appear);
  appear();
}
