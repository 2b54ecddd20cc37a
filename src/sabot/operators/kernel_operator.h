// A kernel chain as an operator: appends the outputs of its kernels.
#pragma once

#include <memory>
#include <vector>

#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/operator.h"

namespace sabot::operators {

class KernelOperator final : public Operator {
 public:
  KernelOperator(KernelChain chain, const OperatorContext& context)
      : chain_(std::move(chain)), run_chain_(context.run_chain), open_store_(context.open_store) {}

  std::string_view name() const override { return "kernel"; }
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override;
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;
  bool stateful() const override { return chain_.stateful(); }
  arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Snapshot() const override;  // One a kernel.
  arrow::Result<FrozenState> Freeze() override;
  arrow::Status Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) override;
  bool state_in_files() const override { return chain_.stored(); }
  arrow::Result<std::vector<state::KeyStore::File>> FreezeFiles(const std::string& folder) override {
    return chain_.FreezeFiles(folder);
  }
  arrow::Status RestoreFiles(std::span<const std::shared_ptr<state::KeyStore>> earlier,
                             const std::function<bool(uint16_t group)>& owned) override {
    return chain_.RestoreFiles(earlier, owned);
  }

 private:
  KernelChain chain_;
  decltype(OperatorContext::run_chain) run_chain_;
  decltype(OperatorContext::open_store) open_store_;
};

}  // namespace sabot::operators
