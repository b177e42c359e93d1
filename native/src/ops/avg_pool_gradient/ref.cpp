// dy spread over its window, row of pixels by row of pixels; one version serves all instruction sets.
#include <cstring>

#include "core/pool.h"

JC_DECLARE(avg_pool_gradient)

int32_t jc::ref::avg_pool_gradient(jc_context* context, const jc_avg_pool_gradient_args* a) {
  JC_CHECK("avg_pool_gradient", a->batch >= 0 && a->height > 0 && a->width > 0 && a->channels > 0,
           "batch, height, width or channels");
  JC_CHECK("avg_pool_gradient", a->kernel > 0 && a->kernel <= a->height && a->kernel <= a->width, "kernel");
  JC_CHECK("avg_pool_gradient", a->dy && a->dx, "null pointer");
  int64_t out_height = a->height / a->kernel;
  int64_t out_width = a->width / a->kernel;
  float window = static_cast<float>(a->kernel * a->kernel);
  int64_t threads = a->batch * a->height * a->width * a->channels > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, a->batch * a->height, [=](int64_t row, int64_t) {
    int64_t picture = row / a->height, out_row = row % a->height / a->kernel;
    const float* dy = a->dy + (picture * out_height + out_row) * out_width * a->channels;
    for (int64_t column = 0; column < a->width; ++column) {
      int64_t out_column = column / a->kernel;
      float* dx = a->dx + (row * a->width + column) * a->channels;
      if (out_row >= out_height || out_column >= out_width) {
        std::memset(dx, 0, a->channels * sizeof(float));
        continue;
      }
      for (int64_t c = 0; c < a->channels; ++c) dx[c] = dy[out_column * a->channels + c] / window;
    }
  });
  return JC_OK;
}

JC_EXPORT(avg_pool_gradient, jc::ref::avg_pool_gradient, jc::ref::avg_pool_gradient, jc::ref::avg_pool_gradient)
