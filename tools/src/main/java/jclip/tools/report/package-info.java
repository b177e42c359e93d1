/** Reports: one HTML file each that opens without a network, with curves, tables and pictures inside it. */
@NullMarked
package jclip.tools.report;

import org.jspecify.annotations.NullMarked;
