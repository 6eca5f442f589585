import { configureGlobal } from 'fast-check'

/** The same cases for each mutant, and no search for a smaller one: that a test fails is enough. */
configureGlobal({ seed: 1, endOnFailure: true })
