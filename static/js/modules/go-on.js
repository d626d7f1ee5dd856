// Sends a form by itself that only waits for a tap.
export function start(form) {
  form.requestSubmit ? form.requestSubmit() : form.submit();
}
