// Renews what changed, so that readers aloud say only that, and nobody loses their place. What is over is left alone.
async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (answer && answer.status === 404) location.reload();
  if (!answer || !answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-renewed]")) {
    const fresh = next.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
  }
  document.title = next.title;
  if (!next.querySelector("script")) clearInterval(renewing);
}
const renewing = setInterval(renew, 30000);
document.addEventListener("visibilitychange", renew);
