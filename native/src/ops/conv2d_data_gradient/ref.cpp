// Gradient of conv2d with respect to its input, the plain version: every element sums the windows that it lies in, in the order (row,
// column, output channel) of the flipped window.
#include "ops/conv2d_data_gradient/conv2d_data_gradient.h"

namespace jc {

jc_conv2d_args conv2d_forward(const jc_conv2d_data_gradient_args* a) {
  jc_conv2d_args c{};
  c.batch = a->batch;
  c.height = a->height;
  c.width = a->width;
  c.channels = a->channels;
  c.out_channels = a->out_channels;
  c.kernel = a->kernel;
  c.stride = a->stride;
  c.padding = a->padding;
  return c;
}

namespace {

int64_t rows_of(const jc_conv2d_data_gradient_args* a) { return a->batch * a->height * a->width; }
int64_t k_of(const jc_conv2d_data_gradient_args* a) { return a->kernel * a->kernel * a->out_channels; }

const char* wrong_sizes(const jc_conv2d_data_gradient_args* a) {
  jc_conv2d_args forward = conv2d_forward(a);
  const char* wrong = wrong_conv2d_sizes(&forward);
  if (wrong == nullptr && a->batch > INT32_MAX / (a->height * a->width)) return "too many input pixels";
  return wrong;
}

}  // namespace

int32_t check_conv2d_data_gradient(jc_context* context, const jc_conv2d_data_gradient_args* a) {
  const char* wrong = wrong_sizes(a);
  JC_CHECK("conv2d_data_gradient", wrong == nullptr, wrong);
  JC_CHECK("conv2d_data_gradient", a->dy && a->packed && a->dx, "null pointer");
  JC_CHECK("conv2d_data_gradient", aligned(a->packed, 64) && aligned(a->workspace, 64),
           "packed or workspace is not 64-byte aligned");
  JC_CHECK("conv2d_data_gradient", enough_workspace(context, rows_of(a), k_of(a), a->workspace, a->workspace_bytes),
           "workspace is smaller than jc_conv2d_data_gradient_workspace says for one thread");
  return JC_OK;
}

DataGradient data_gradient(const jc_conv2d_data_gradient_args* a) {
  jc_conv2d_args forward = conv2d_forward(a);
  DataGradient g{a, forward, conv2d_out(a->height, &forward), conv2d_out(a->width, &forward),
                 a->kernel - 1 - a->padding};
  jc_conv2d_args& c = g.convolution;
  c.x = a->dy;
  c.height = g.out_height;
  c.width = g.out_width;
  c.channels = a->out_channels;
  c.x_channel = 1;
  c.x_column = a->out_channels;
  c.x_row = g.out_width * c.x_column;
  c.x_batch = g.out_height * c.x_row;
  c.out_channels = a->channels;
  c.padding = g.before;
  return g;
}

Product conv2d_data_gradient_product(const DataGradient* g) {
  const jc_conv2d_data_gradient_args* a = g->a;
  Product p{};
  p.source = g;
  p.packed = static_cast<const float*>(a->packed);
  p.residual = a->residual;
  p.y = a->dx;
  p.rows = rows_of(a);
  p.n = p.ldy = p.ld_residual = a->channels;
  p.k = k_of(a);
  return p;
}

int32_t ref::conv2d_data_gradient(jc_context* context, const jc_conv2d_data_gradient_args* a) {
  if (check_conv2d_data_gradient(context, a) != JC_OK) return JC_INVALID;
  DataGradient g = data_gradient(a);
  const float* packed = static_cast<const float*>(a->packed);
  for (int64_t row = 0; row < rows_of(a); ++row) {
    const float* picture = a->dy + row / (a->height * a->width) * g.convolution.x_batch;
    int64_t top = row / a->width % a->height - g.before, left = row % a->width - g.before;
    for (int64_t c = 0; c < a->channels; ++c) {
      const float* w = packed + c * k_of(a);
      float sum = 0;
      for (int64_t v = top; v < top + a->kernel; ++v) {
        for (int64_t u = left; u < left + a->kernel; ++u, w += a->out_channels) {
          if (v < 0 || u < 0 || v % a->stride != 0 || u % a->stride != 0) continue;
          int64_t y = v / a->stride, x = u / a->stride;
          if (y >= g.out_height || x >= g.out_width) continue;
          const float* dy = picture + (y * g.out_width + x) * a->out_channels;
          for (int64_t o = 0; o < a->out_channels; ++o) sum += dy[o] * w[o];
        }
      }
      if (a->residual != nullptr) sum += a->residual[row * a->channels + c];
      a->dx[row * a->channels + c] = sum;
    }
  }
  return JC_OK;
}

}  // namespace jc

JC_PUBLIC int64_t jc_conv2d_data_gradient_workspace(const jc_context* context, const jc_conv2d_data_gradient_args* a) {
  if (jc::wrong_sizes(a) != nullptr) return 0;
  return jc::product_workspace(context, jc::rows_of(a), jc::k_of(a), jc::parallel_width(context));
}

JC_EXPORT(conv2d_data_gradient, jc::ref::conv2d_data_gradient, jc::avx2::conv2d_data_gradient,
          jc::avx512::conv2d_data_gradient)
