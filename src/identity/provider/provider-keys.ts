/**
 * The public keys of one issuer, held for the tokens that requests bring. Known keys cost no question; tokens that name
 * unknown ones, however many, cost one question in ten seconds; while there is no answer the last keys serve for a day.
 */

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { ProviderFailure } from './provider.ts'
import { TokenRefused } from './signed-token.ts'

/** Asked again at most this often, whatever tokens name. */
const ASK_EVERY_MS = 10_000
/** Older keys are asked for again while they serve. */
const FRESH_MS = 5 * 60_000
/** Older ones serve only where the provider cannot be asked. */
const TRUSTED_MS = 15 * 60_000
const KEPT_MS = 24 * 3_600_000

export interface LoadedKeys {
  readonly set: JSONWebKeySet
  /** True where the provider could not be asked, and these are what it said before. */
  readonly stale: boolean
}

export interface ProviderKeysOptions {
  /** Rejects with ProviderFailure. */
  readonly load: () => Promise<LoadedKeys>
  readonly now: Clock
  readonly log: Log
}

export type VerificationKey = Awaited<ReturnType<ReturnType<typeof createLocalJWKSet>>>

export interface ProviderKeys {
  /**
   * The key that `header` names.
   * @throws TokenRefused where the issuer has no such key; ProviderFailure where it cannot be asked
   */
  find(header: JWSHeaderParameters): Promise<VerificationKey>
  /** Whether other keys were found by asking now: a key may have changed and kept its name. Never throws. */
  renew(): Promise<boolean>
}

interface Kept {
  readonly text: string
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly at: EpochMs
}

export function createProviderKeys({ load, now, log }: ProviderKeysOptions): ProviderKeys {
  let kept: Kept | undefined
  let failure: { readonly why: string; readonly at: EpochMs } | undefined
  let underWay: Promise<void> | undefined

  const age = (at: EpochMs | undefined): number =>
    at === undefined ? Number.POSITIVE_INFINITY : Math.abs(now() - at)
  const askedJustNow = (): boolean => Math.min(age(kept?.at), age(failure?.at)) < ASK_EVERY_MS

  async function ask(): Promise<void> {
    try {
      const { set, stale } = await load()
      const text = JSON.stringify(set)
      if (kept?.text !== text) kept = { text, find: createLocalJWKSet(set), at: now() }
      else if (!stale) kept = { ...kept, at: now() }
      failure = stale ? { why: 'they may have changed', at: now() } : undefined
    } catch (error) {
      log.warn({ err: error }, 'the keys by which tokens are verified cannot be fetched')
      failure = { why: error instanceof Error ? error.message : String(error), at: now() }
    }
  }

  /** One question at a time. */
  function askOnce(): Promise<void> {
    underWay ??= ask().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  async function known(header: JWSHeaderParameters): Promise<VerificationKey | undefined> {
    if (kept === undefined || age(kept.at) >= KEPT_MS) return undefined
    try {
      return await kept.find(header)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined
      throw new TokenRefused(`no key for the token: ${(error as Error).message}`, 'key')
    }
  }

  return {
    async find(header) {
      const key = await known(header)
      if (key !== undefined && age(kept?.at) < TRUSTED_MS) {
        if (age(kept?.at) >= FRESH_MS && !askedJustNow()) void askOnce()
        return key
      }
      if (underWay !== undefined || !askedJustNow()) await askOnce()
      const found = await known(header)
      if (found !== undefined) return found
      if (failure !== undefined) {
        const detail = `the keys of the token's issuer cannot be had: ${failure.why}`
        throw new ProviderFailure('unavailable', detail)
      }
      throw new TokenRefused('the issuer has no key of the name that the token bears', 'key')
    },
    async renew() {
      const before = kept?.text
      if (underWay !== undefined || !askedJustNow()) await askOnce()
      return kept?.text !== before
    },
  }
}
