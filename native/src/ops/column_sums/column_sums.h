// What the versions of column_sums share: the argument checks, and how partial sums are added.
#pragma once

#include "core/spans.h"

JC_DECLARE(column_sums)

namespace jc {

static inline int32_t check_column_sums(jc_context* context, const jc_column_sums_args* a) {
  JC_CHECK("column_sums", a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK("column_sums", a->ldx >= a->width, "ldx: less than width");
  JC_CHECK("column_sums", a->x && a->y, "null pointer");
  JC_CHECK("column_sums", a->rows == 0 || (a->workspace && aligned(a->workspace, 64)),
           "workspace: null or not aligned to 64 bytes");
  JC_CHECK("column_sums", a->workspace_bytes >= jc_column_sums_workspace(context, a),
           "workspace_bytes: less than jc_column_sums_workspace");
  return JC_OK;
}

}  // namespace jc
