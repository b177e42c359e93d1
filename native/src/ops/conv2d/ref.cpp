// Convolution, the plain version: every output element sums its window in the order (row, column, channel).
#include "ops/conv2d/conv2d.h"

namespace jc {

namespace {

bool in(int64_t value, int64_t least, int64_t most) { return value >= least && value <= most; }

}  // namespace

const char* wrong_conv2d_sizes(const jc_conv2d_args* a) {
  if (!in(a->batch, 0, INT32_MAX) || !in(a->height, 1, 65536) || !in(a->width, 1, 65536))
    return "batch, height or width";
  if (!in(a->channels, 1, 65536) || !in(a->out_channels, 1, 65536)) return "channels or out_channels";
  if (!in(a->kernel, 1, 1024) || !in(a->stride, 1, 1024) || !in(a->padding, 0, a->kernel - 1)) {
    return "kernel, stride or padding";
  }
  if (a->height + 2 * a->padding < a->kernel || a->width + 2 * a->padding < a->kernel) {
    return "the window is larger than the padded picture";
  }
  if (a->batch > INT32_MAX / (conv2d_out(a->height, a) * conv2d_out(a->width, a))) return "too many output pixels";
  return nullptr;
}

int32_t check_conv2d(jc_context* context, const jc_conv2d_args* a) {
  const char* wrong = wrong_conv2d_sizes(a);
  JC_CHECK("conv2d", wrong == nullptr, wrong);
  JC_CHECK("conv2d", a->x && a->packed && a->y, "null pointer");
  JC_CHECK("conv2d", aligned(a->packed, 64) && aligned(a->workspace, 64), "packed or workspace is not 64-byte aligned");
  JC_CHECK("conv2d", is_activation(a->activation), "unknown activation");
  JC_CHECK("conv2d", enough_workspace(context, conv2d_rows(a), conv2d_k(a), a->workspace, a->workspace_bytes),
           "workspace is smaller than jc_conv2d_workspace says for one thread");
  return JC_OK;
}

Product conv2d_product(const jc_conv2d_args* a) {
  Product p{};
  p.source = a;
  p.packed = static_cast<const float*>(a->packed);
  p.bias = a->bias;
  p.residual = a->residual;
  p.y = a->y;
  p.rows = conv2d_rows(a);
  p.n = p.ldy = p.ld_residual = a->out_channels;
  p.k = conv2d_k(a);
  p.activation = a->activation;
  return p;
}

namespace ref {

int32_t conv2d_pack(jc_context* context, const jc_conv2d_pack_args* a) {
  JC_CHECK("conv2d_pack", in(a->out_channels, 1, 65536) && in(a->channels, 1, 65536) && in(a->kernel, 1, 1024),
           "out_channels, channels or kernel");
  JC_CHECK("conv2d_pack", a->w && a->packed, "null pointer");
  JC_CHECK("conv2d_pack", aligned(a->packed, 64), "packed is not 64-byte aligned");
  JC_CHECK("conv2d_pack", a->gradient == 0 || a->gradient == 1, "gradient is neither 0 nor 1");
  int64_t window = a->kernel * a->kernel;
  Weights weights{a->w, a->out_channels, window * a->channels, 0, 0, a->channels, window, 0};
  if (a->gradient == 1) {
    weights.n = a->channels;
    weights.k = window * a->out_channels;
    weights.flipped = a->out_channels;
  }
  pack_weights(context, weights, JC_F32, static_cast<float*>(a->packed));
  return JC_OK;
}

int32_t conv2d(jc_context* context, const jc_conv2d_args* a) {
  if (check_conv2d(context, a) != JC_OK) return JC_INVALID;
  const float* packed = static_cast<const float*>(a->packed);
  int64_t out_height = conv2d_out(a->height, a), out_width = conv2d_out(a->width, a);
  for (int64_t row = 0; row < conv2d_rows(a); ++row) {
    int64_t picture = row / (out_height * out_width);
    int64_t top = row / out_width % out_height * a->stride - a->padding;
    int64_t left = row % out_width * a->stride - a->padding;
    for (int64_t o = 0; o < a->out_channels; ++o) {
      const float* w = packed + o * conv2d_k(a);
      float sum = 0;
      for (int64_t i = 0; i < a->kernel; ++i) {
        for (int64_t j = 0; j < a->kernel; ++j) {
          bool inside = in(top + i, 0, a->height - 1) && in(left + j, 0, a->width - 1);
          int64_t at = inside ? picture * a->x_batch + (top + i) * a->x_row + (left + j) * a->x_column : 0;
          for (int64_t c = 0; c < a->channels; ++c) {
            float x = inside ? a->x[at + c * a->x_channel] : 0;
            sum += x * w[(i * a->kernel + j) * a->channels + c];
          }
        }
      }
      if (a->bias != nullptr) sum += a->bias[o];
      if (a->residual != nullptr) sum += a->residual[row * a->out_channels + o];
      a->y[row * a->out_channels + o] = activate(sum, a->activation);
    }
  }
  return JC_OK;
}

}  // namespace ref
}  // namespace jc

JC_PUBLIC int64_t jc_conv2d_packed_bytes(const jc_context* context, int64_t out_channels, int64_t channels,
                                         int64_t kernel) {
  return jc::packed_bytes(context, out_channels, kernel * kernel * channels);
}

JC_PUBLIC int64_t jc_conv2d_workspace(const jc_context* context, const jc_conv2d_args* a) {
  if (jc::wrong_conv2d_sizes(a) != nullptr) return 0;
  return jc::product_workspace(context, jc::conv2d_rows(a), jc::conv2d_k(a), jc::parallel_width(context));
}

JC_EXPORT(conv2d_pack, jc::ref::conv2d_pack, jc::ref::conv2d_pack, jc::ref::conv2d_pack)
JC_EXPORT(conv2d, jc::ref::conv2d, jc::avx2::conv2d, jc::avx512::conv2d)
