// A client of the account that NEON_API_HOST and NEON_API_KEY name, which waits for operations with little patience.
import { createNeonClient } from "@neon/sdk";

export function client() {
  return createNeonClient({
    apiKey: process.env.NEON_API_KEY,
    baseUrl: process.env.NEON_API_HOST,
    orgId: process.env.NEON_ORG_ID,
    wait: { pollIntervalMs: 100, timeoutMs: 20_000 },
  });
}

// Errors keep their members; the response that an error holds cannot be written down.
export function print({ data, error }) {
  const told = error && { ...error, message: error.message, response: undefined };
  console.log(JSON.stringify({ data: data ?? null, error: told ?? null }));
}
