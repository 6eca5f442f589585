#!/usr/bin/env node
/*
 * The program `landcover` of the package. CommonJS in old syntax: an old Node must be able to read the check of its
 * version. `npm run package` makes the sources JavaScript, and this file names them so.
 */

require('./needed-node.cjs')
require('./landcover.ts').main()
