/* Undefined operands become zero. */
#include "verify/undefined.h"

static bool is_value(LLVMValueRef operand)
{
    LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(operand));

    return kind != LLVMLabelTypeKind && kind != LLVMMetadataTypeKind && kind != LLVMTokenTypeKind;
}

static void define_operands(LLVMValueRef instruction)
{
    for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(instruction); i++) {
        LLVMValueRef operand = LLVMGetOperand(instruction, i);
        if (operand && (LLVMIsUndef(operand) || LLVMIsPoison(operand)) && is_value(operand))
            LLVMSetOperand(instruction, i, LLVMConstNull(LLVMTypeOf(operand)));
    }
}

void define_undefined(LLVMModuleRef module)
{
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(f); block;
             block = LLVMGetNextBasicBlock(block))
            for (LLVMValueRef at = LLVMGetFirstInstruction(block); at;
                 at = LLVMGetNextInstruction(at))
                define_operands(at);
}
