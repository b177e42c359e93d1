// Average pool, the plain version: windows row by row, in index order.
#include "ops/avg_pool/avg_pool.h"

int32_t jc::ref::avg_pool(jc_context* context, const jc_avg_pool_args* a) {
  if (int32_t status = check_avg_pool(context, a); status != JC_OK) return status;
  int64_t out_height = a->height / a->kernel;
  int64_t out_width = a->width / a->kernel;
  for (int64_t b = 0; b < a->batch; ++b) {
    for (int64_t row = 0; row < out_height; ++row) {
      for (int64_t column = 0; column < out_width; ++column) {
        float* y = a->y + ((b * out_height + row) * out_width + column) * a->channels;
        for (int64_t c = 0; c < a->channels; ++c) {
          float sum = 0;
          for (int64_t i = row * a->kernel; i < (row + 1) * a->kernel; ++i) {
            for (int64_t j = column * a->kernel; j < (column + 1) * a->kernel; ++j) {
              sum += a->x[((b * a->height + i) * a->width + j) * a->channels + c];
            }
          }
          y[c] = sum / static_cast<float>(a->kernel * a->kernel);
        }
      }
    }
  }
  return JC_OK;
}

JC_EXPORT(avg_pool, jc::ref::avg_pool, jc::avx2::avg_pool, jc::avx512::avg_pool)
