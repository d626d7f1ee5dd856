// Makes photos small before they are sent: at most 1,600 pixels on a side, which is what the portal keeps anyway. Written anew,
// a photo no longer says where it was taken. What this browser cannot read goes as it is; the portal does the same with it.
const LONGEST = 1600;

// always: a new JPEG, or an error for what this browser cannot read.
export async function smaller(file, always = false) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  if (!always && scale === 1 && file.type !== "image/jpeg") return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.88); });
  if (!blob) throw new Error("not drawn");
  return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
}

export function start(element) {
  const field = element.querySelector("input[type=file]");
  field.addEventListener("change", async () => {
    const chosen = [...field.files];
    try {
      const made = new DataTransfer();
      for (const file of chosen) made.items.add(await smaller(file).catch(() => file));
      if (field.files.length === chosen.length) field.files = made.files;
    } catch (error) {
      // An old browser sends the photos as they are.
    }
  });
}
