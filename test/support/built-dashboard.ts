import { buildChangedPage } from '../../functions/cli/page.ts'

/** Builds the dashboard before all process tests, because the system serves it. */
export default buildChangedPage
