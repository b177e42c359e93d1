// What the versions of gradient_norm share: the argument checks, and the norm from the sums of the spans.
#pragma once

#include <cmath>

#include "core/spans.h"

JC_DECLARE(gradient_norm)

namespace jc {

static inline int32_t check_gradient_norm(jc_context* context, const jc_gradient_norm_args* a) {
  JC_CHECK("gradient_norm", a->count >= 0, "count");
  JC_CHECK("gradient_norm", a->maximum >= 0, "maximum");
  JC_CHECK("gradient_norm", a->norm && (a->count == 0 || a->g), "null pointer");
  JC_CHECK("gradient_norm", a->count == 0 || (a->workspace && aligned(a->workspace, 64)),
           "workspace: null or not aligned to 64 bytes");
  JC_CHECK("gradient_norm", a->workspace_bytes >= jc_gradient_norm_workspace(context, a),
           "workspace_bytes: less than jc_gradient_norm_workspace");
  return JC_OK;
}

// squares(first, last): the sum over a span, in double. The spans' sums are added in index order.
template <class F>
void write_gradient_norm(jc_context* context, const jc_gradient_norm_args* a, F&& squares) {
  double* parts = static_cast<double*>(a->workspace);
  parallel_spans(context, a->count, [&](int64_t first, int64_t last) { parts[first / kSpan] = squares(first, last); });
  double sum = 0;
  for (int64_t span = 0; span < ceil_div(a->count, kSpan); ++span) sum += parts[span];
  double norm = std::sqrt(sum);
  double share = a->maximum / (norm + 1e-6);
  a->norm[0] = norm;
  a->norm[1] = !std::isfinite(norm) ? norm : a->maximum > 0 && share < 1 ? share : 1;
}

}  // namespace jc
