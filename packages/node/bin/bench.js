#!/usr/bin/env node
import "../dist/bench/bench.js";
