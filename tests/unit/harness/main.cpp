#include "harness/child_process.h"

#include <gtest/gtest.h>

int main(int argc, char** argv)
{
    vwsi::testing::setDefaultEnvironment();
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
