// Checks of row numbers that come with the data, and the message that names the wrong one.
#pragma once

#include "core/op.h"

namespace jc {

// JC_OK if index[0 .. n) all lie in [0, limit); else JC_INVALID with "<op>: <name>[<row>] = <value> not in [0,
// <limit>)".
int32_t check_row_index(jc_context* context, const char* op, const char* name, const int32_t* index, int64_t n,
                        int64_t limit);

}  // namespace jc
