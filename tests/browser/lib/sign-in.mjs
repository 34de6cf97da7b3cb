// What a person does, in their words.

import assert from 'node:assert/strict';

/**
 * Presses what sends a form or leads on, and waits until the next page is there.
 * Where it has the address of this one, nothing else tells that it has come; and
 * waitForLoadState() is content with the page that is about to go.
 */
export async function press(page, what) {
  await Promise.all([page.waitForEvent('load'), what.click()]);
}

/** Opens the sign-in page and presses "Continue with …". */
export async function setOut(page, app, label, path = '/sign-in') {
  await page.goto(app.origin + path);
  await page.getByRole('button', { name: `Continue with ${label}` }).click();
  await page.waitForURL(`${app.idp}/**`);
}

/** Picks a person on the local provider's page. */
export async function pick(page, name) {
  await page.locator('label.person', { hasText: name }).first().click();
}

export const allow = (page) => page.getByRole('button', { name: 'Allow', exact: true }).click();
export const decline = (page) => page.getByRole('button', { name: 'Decline', exact: true }).click();

/** The whole way, to the account page. */
export async function signIn(page, app, label, name) {
  await setOut(page, app, label);
  await pick(page, name);
  await allow(page);
  await page.waitForURL(`${app.origin}/account`);
}

/** The page says who one is. */
export async function assertSignedInAs(page, app, name) {
  await page.goto(`${app.origin}/account`);
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), name);
}

/** The page says that nobody is signed in. */
export async function assertSignedOut(page, app) {
  const answer = await page.goto(`${app.origin}/account`);
  assert.equal(answer.status(), 401);
  assert.equal(answer.headers()['x-error-code'], 'sign_in_required');
}

export const signOut = (page) => page.getByRole('button', { name: 'Sign out' }).click();
